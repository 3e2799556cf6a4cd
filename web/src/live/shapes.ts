// The API's shapes by the names the views use, and what the page itself keeps of a node.
import type { Observed, State, StateNode, Topology } from "../api/schema";

export type NodeState = StateNode;
export type FleetState = State;
export type PendingHost = State["pending"][number];
export type FleetTopology = Topology;
export type TopologyLink = Topology["links"][number];
export type TopologyPort = Topology["segments"][number]["ports"][number];

/** The body of an entry: loose, since each kind has its own fields and later versions may add some. */
export type Body = Record<string, unknown>;
export type Bodies = Record<string, Body>;

export interface Samples {
  at: number;
  values: Observed["samples"];
}

export interface NodeDetail {
  entries: Bodies;
  desired: Bodies;
  /** The last two, so that rates can be told. */
  samples: Samples | null;
  before: Samples | null;
}

/** Milliseconds since 1970; null for no time. */
export function toMs(time: string | null | undefined): number | null {
  const ms = time ? Date.parse(time) : NaN;
  return Number.isNaN(ms) ? null : ms;
}
