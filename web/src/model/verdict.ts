// One sentence on the whole fleet: what is wrong first, or that nothing is.
import { toMs, type FleetState, type FleetTopology, type NodeState, type TopologyLink } from "../live/shapes";
import { duration, plural } from "./format";

export type Grade = "ok" | "note" | "warn" | "bad";

export interface Verdict {
  grade: Grade;
  text: string;
  /** The node to look at first. */
  node: string | null;
}

interface Finding {
  grade: Grade;
  text: string;
  node: string | null;
}

const TOLD_MAX = 3;
const WHY_MAX = 90;
const RANK: Record<Grade, number> = { bad: 3, warn: 2, note: 1, ok: 0 };

function offline(node: NodeState, now: number): Finding {
  const since = toMs(node.since);
  const how = since ? ` for ${duration(now - since)}` : "";
  return { grade: "bad", text: `${node.name} is offline${how}`, node: node.name };
}

// The whole sentence stands on the node's page.
function cut(text: string): string {
  return text.length > WHY_MAX ? `${text.slice(0, WHY_MAX - 1).trimEnd()}…` : text;
}

function behind(node: NodeState): string {
  return node.lag > 0 ? ` lags by ${plural(node.lag, "revision")}` : " has not applied its entries";
}

function findingOf(node: NodeState, now: number): Finding | null {
  const first = node.errors[0];
  switch (node.health) {
    case "offline":
      return offline(node, now);
    case "error": {
      const why = first ? `: ${first.entry}: ${cut(first.text)}` : "";
      const how = node.lag > 0 ? behind(node) : ` has ${plural(node.errors_total ?? node.errors.length, "failed entry", "failed entries")}`;
      return { grade: "bad", text: `${node.name}${how}${why}`, node: node.name };
    }
    case "lagging":
      return { grade: "warn", text: `${node.name}${behind(node)}`, node: node.name };
    case "never":
      return {
        grade: "note",
        text: node.pending ? `${node.name} waits for approval` : `${node.name} has never connected`,
        node: node.name,
      };
    default:
      return null;
  }
}

// Several of the same sort read better as one.
function grouped(findings: Finding[], nodes: NodeState[]): Finding[] {
  const never = nodes.filter((node) => node.health === "never" && !node.pending);
  if (never.length < 3) return findings;
  const rest = findings.filter((finding) => !never.some((node) => node.name === finding.node));
  return [...rest, { grade: "note", text: `${never.length} nodes have never connected`, node: null }];
}

function isDown(link: TopologyLink): boolean {
  return link.state === "down" || link.state === "half";
}

// A link to a node that is away needs no words of its own.
function links(state: FleetState, topology: FleetTopology | null): Finding[] {
  const away = new Set(state.nodes.filter((node) => !node.connected).map((node) => node.name));
  if (!topology) {
    const down = away.size === 0 ? (state.counts.links_down ?? 0) : 0;
    return down ? [{ grade: "bad", text: `${plural(down, "link")} ${down === 1 ? "is" : "are"} down`, node: null }] : [];
  }
  const down = topology.links.filter((link) => isDown(link) && !away.has(link.a) && !away.has(link.b));
  if (down.length === 0) return [];
  const names = down.slice(0, 2).map((link) => `${link.a} – ${link.b}`);
  const more = down.length > 2 ? ` and ${down.length - 2} more` : "";
  const text = down.length === 1 ? `the link ${names[0]} is down` : `the links ${names.join(", ")}${more} are down`;
  return [{ grade: "bad", text, node: null }];
}

function healthy(state: FleetState): Verdict {
  const n = state.nodes.length;
  const up = state.counts.links_up ?? 0;
  const who = n === 1 ? "The one node is at" : `All ${n} nodes agree on`;
  const wires = up === 0 ? "" : up === 1 ? "; its link is up" : `; all ${up} links are up`;
  return { grade: "ok", text: `${who} revision ${state.revision}${wires}.`, node: null };
}

export function verdictOf(state: FleetState, topology: FleetTopology | null, now: number): Verdict {
  if (state.nodes.length === 0) return { grade: "note", text: "There are no nodes yet.", node: null };
  const each = state.nodes.map((node) => findingOf(node, now)).filter((finding) => finding !== null);
  const findings = [...grouped(each, state.nodes), ...links(state, topology)];
  findings.sort((a, b) => RANK[b.grade] - RANK[a.grade]);
  const worst = findings[0];
  if (!worst) return healthy(state);
  const told = findings.slice(0, TOLD_MAX).map((finding) => finding.text);
  const more = findings.length - told.length;
  const text = told.join("; ") + (more > 0 ? `; and ${more} more` : "");
  return { grade: worst.grade, text: `${text}${/[.!?…]$/.test(text) ? "" : "."}`, node: worst.node };
}
