// Events laid out in time: a lane for each node, and for each link, group or other thing of a node that had one.
import type { LoggedEvent } from "../api/schema";
import { toMs } from "../live/shapes";

/** What a lane was like between two events; "unknown" before the first. */
export type Tone = "good" | "warn" | "bad" | "unknown";

export interface Stretch {
  from: number;
  to: number;
  tone: Tone;
}

export interface Moment {
  at: number;
  event: LoggedEvent;
}

export interface Lane {
  key: string;
  node: string | null;
  /** What of the node: "home/bob", or "" for the node itself. */
  what: string;
  stretches: Stretch[];
  moments: Moment[];
}

// What a lane is like from such an event on. Others are moments only.
const TONES: Record<string, Tone> = {
  link_up: "good", link_degraded: "warn", link_down: "bad", link_unknown: "unknown", node_online: "good", node_offline: "bad",
  ha_active: "good", ha_inactive: "unknown", ha_isolated: "bad",
};

export const CLASSES: [value: string, word: string][] = [
  ["", "everything"], ["link_", "links"], ["node_", "nodes"], ["path_", "paths"], ["ha_", "HA groups"], ["lan_", "LANs"], ["hook_", "hooks"],
  ["revision_", "revisions"],
];

export const SPANS: [value: string, word: string, ms: number][] = [
  ["1h", "1 hour", 3600000], ["24h", "24 hours", 86400000], ["7d", "7 days", 7 * 86400000], ["30d", "30 days", 30 * 86400000],
];

export function laneWord(lane: Lane): string {
  return [lane.node ?? "controller", lane.what].filter(Boolean).join(" · ");
}

function stretchesOf(moments: Moment[], to: number): Stretch[] {
  const changes = moments.filter(({ event }) => event.kind in TONES);
  return changes.map(({ at, event }, i) => ({ from: at, to: changes[i + 1]?.at ?? to, tone: TONES[event.kind] ?? "unknown" }));
}

/** `events` in any order; lanes by node, the node's own first. */
export function lanesOf(events: LoggedEvent[], to: number): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const event of events) {
    const what = event.entry?.replace(/^(link|peer|group)\//, "") ?? "";
    const key = `${event.node ?? ""} ${what}`;
    const lane = lanes.get(key) ?? { key, node: event.node, what, stretches: [], moments: [] };
    lane.moments.push({ at: toMs(event.at) ?? 0, event });
    lanes.set(key, lane);
  }
  for (const lane of lanes.values()) {
    lane.moments.sort((a, b) => a.at - b.at || a.event.id - b.event.id);
    lane.stretches = stretchesOf(lane.moments, to);
  }
  return [...lanes.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** All moments in the order of time. */
export function inOrder(lanes: Lane[]): Moment[] {
  return lanes.flatMap((lane) => lane.moments).sort((a, b) => a.at - b.at || a.event.id - b.event.id);
}
