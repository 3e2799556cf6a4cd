// What live sends beside what openapi.yaml promises: times may be milliseconds, and a few fields more.
import type { Event, State, StateNode, Topology } from "../api/schema";

export type Health = StateNode["health"];

export type NodeState = Omit<StateNode, "since"> & {
  since?: string | number | null;
  errors_total?: number;
  writes?: number;
  reason?: string;
};

export type FleetState = Omit<State, "nodes"> & { nodes: NodeState[]; cursor?: string };
export type FleetTopology = Topology;
export type TopologyLink = Topology["links"][number];
export type TopologyPort = Topology["segments"][number]["ports"][number];
export type LiveEvent = Omit<Event, "at" | "id"> & { at: string | number; id?: number };

/** The body of an entry: loose, since each kind has its own fields and later versions may add some. */
export type Body = Record<string, unknown>;
export type Bodies = Record<string, Body>;

export interface Samples {
  at: number;
  values: Record<string, Record<string, number>>;
}

export interface NodeDetail {
  entries: Bodies;
  desired: Bodies;
  /** The last two, so that rates can be told. */
  samples: Samples | null;
  before: Samples | null;
}

/** Milliseconds since 1970 of a time in either shape; null for none. */
export function toMs(time: string | number | null | undefined): number | null {
  if (typeof time === "number") return time > 0 ? time : null;
  const ms = time ? Date.parse(time) : NaN;
  return Number.isNaN(ms) ? null : ms;
}
