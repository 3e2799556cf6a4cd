// The fleet as this page knows it: read whole once, then kept by the event stream.
import { get } from "../api/client";
import type { EntryEvent, Event, Observed, RevisionEvent, SampleEvent } from "../api/schema";
import { openLink, type Link } from "./link";
import { sequenceOf, type FeedItem, type FeedState } from "./feed";
import {
  toMs, type FleetState, type FleetTopology, type NodeDetail, type NodeState, type Samples,
} from "./shapes";

export interface Fleet {
  feed: FeedState;
  /** When the stream was lost, by this machine's clock. */
  lostAt: number | null;
  state: FleetState | null;
  topology: FleetTopology | null;
  details: Record<string, NodeDetail>;
  /** The controller's clock minus this machine's. */
  clockOffset: number;
  /** Grow when something was committed or happened, so that views read again. */
  revisions: number;
  happenings: number;
}

type Listener = () => void;

// Beyond this a topology is read only by the views that show it.
export const SMALL_FLEET = 100;
const AGAIN_MS = 700;
const FIGURES_MS = 5000;

let fleet: Fleet = blank();
let link: Link | null = null;
const listeners = new Set<Listener>();
const watchedNodes = new Map<string, number>();
let topologyViews = 0;
let samplesWanted = 0;
let buffered: FeedItem[] | null = null;

function blank(): Fleet {
  return {
    feed: "connecting", lostAt: null, state: null, topology: null, details: {}, clockOffset: 0, revisions: 0, happenings: 0,
  };
}

export function currentFleet(): Fleet {
  return fleet;
}

export function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function update(change: Partial<Fleet>): void {
  fleet = { ...fleet, ...change };
  for (const listener of listeners) listener();
}

// ---- reading whole, at most once in a while ----

function paced(read: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isRunning = false;
  let isAgain = false;
  const run = async () => {
    timer = undefined;
    isRunning = true;
    await read().catch(() => {}); // the stream's state tells that the controller is away
    isRunning = false;
    if (isAgain) schedule();
  };
  const schedule = () => {
    isAgain = isRunning;
    if (!timer && !isRunning) timer = setTimeout(run, AGAIN_MS);
  };
  return schedule;
}

async function readState(): Promise<void> {
  buffered = [];
  try {
    const state = await get<FleetState>("/api/v1/state");
    const cursor = sequenceOf(state.cursor);
    const missed = buffered.filter((item) => sequenceOf(item.id) > cursor);
    update({ state, clockOffset: (toMs(state.now) ?? Date.now()) - Date.now() });
    for (const item of missed) applyNode(item);
  } finally {
    buffered = null;
  }
  if (wantsTopology()) await readTopology();
}

// Who looks at links wants to see how they are; nodes measure anyway, but tell it only when asked.
async function readTopology(): Promise<void> {
  update({ topology: await get<FleetTopology>(`/api/v1/topology${topologyViews > 0 ? "?figures=true" : ""}`) });
}

const stateSoon = paced(readState);
const topologySoon = paced(readTopology);

function wantsTopology(): boolean {
  return topologyViews > 0 || (fleet.state?.nodes.length ?? 0) <= SMALL_FLEET;
}

async function readDetail(node: string): Promise<void> {
  const answer = await get<Observed>(`/api/v1/nodes/${encodeURIComponent(node)}/observed`);
  const at = toMs(answer.sampled);
  const samples = at === null ? null : { at, values: answer.samples };
  const known = fleet.details[node];
  const detail: NodeDetail = {
    entries: answer.entries,
    desired: answer.desired,
    samples: known?.samples ?? samples,
    before: known?.before ?? null,
  };
  update({ details: { ...fleet.details, [node]: detail } });
}

async function readDetails(): Promise<void> {
  await Promise.all([...watchedNodes.keys()].map(readDetail));
}

const detailsSoon = paced(readDetails);

// ---- what the stream tells ----

function applyNode(item: FeedItem): void {
  if (item.event !== "node" || !fleet.state) return;
  const node = JSON.parse(item.data) as NodeState;
  const nodes = fleet.state.nodes.slice();
  const at = nodes.findIndex((other) => other.id === node.id);
  if (at < 0) nodes.push(node);
  else nodes[at] = node;
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  update({ state: { ...fleet.state, nodes } });
}

function applyEntries(data: EntryEvent): void {
  const detail = fleet.details[data.node];
  if (detail) {
    const entries = data.reset ? {} : { ...detail.entries };
    for (const key of data.drop) delete entries[key];
    Object.assign(entries, data.set);
    update({ details: { ...fleet.details, [data.node]: { ...detail, entries } } });
  }
  const keys = [...Object.keys(data.set), ...data.drop];
  if (keys.some((key) => key.startsWith("peer/") || key.startsWith("ha/"))) stateSoon();
  else if (wantsTopology() && keys.some((key) => /^(link|port)\//.test(key))) topologySoon();
}

function applySamples(data: SampleEvent): void {
  const detail = fleet.details[data.node];
  if (!detail) return;
  const samples: Samples = { at: toMs(data.at) ?? Date.now(), values: data.values };
  const isNew = !detail.samples || samples.at > detail.samples.at;
  if (isNew) update({ details: { ...fleet.details, [data.node]: { ...detail, samples, before: detail.samples } } });
}

function applyRevision(data: RevisionEvent): void {
  if (fleet.state) update({ state: { ...fleet.state, revision: Math.max(data.revision, fleet.state.revision) } });
  update({ revisions: fleet.revisions + 1 });
  stateSoon();
  detailsSoon();
}

// Who waits for approval stands in the state only.
const APPROVALS = ["approval_wanted", "approved"];

function applyEvent(data: Event): void {
  update({ happenings: fleet.happenings + 1 });
  // What waits for confirmation, or no longer does, stands in the state too.
  if (APPROVALS.includes(data.kind) || data.kind.startsWith("revision_")) stateSoon();
}

function readAll(): void {
  stateSoon();
  detailsSoon();
  update({ revisions: fleet.revisions + 1, happenings: fleet.happenings + 1 });
}

function hear(item: FeedItem): void {
  buffered?.push(item);
  if (item.event === "node") {
    applyNode(item);
    stateSoon(); // the counts
  } else if (item.event === "entry") applyEntries(JSON.parse(item.data));
  else if (item.event === "sample") applySamples(JSON.parse(item.data));
  else if (item.event === "revision") applyRevision(JSON.parse(item.data));
  else if (item.event === "event") applyEvent(JSON.parse(item.data));
  else if (item.event === "reset") readAll();
}

function feedState(onDenied: () => void): (state: FeedState) => void {
  return (feed) => {
    const isLost = feed === "lost";
    if (feed === "up" && fleet.feed !== "up") readAll();
    update({ feed, lostAt: isLost ? (fleet.lostAt ?? Date.now()) : null });
    if (feed === "denied") onDenied();
  };
}

// ---- for the views ----

export function startFleet(onDenied: () => void): void {
  link = openLink({ item: hear, state: feedState(onDenied) });
  link.want(false);
  void readState().catch(() => {});
}

export function stopFleet(): void {
  link?.close();
  link = null;
  watchedNodes.clear();
  topologyViews = 0;
  samplesWanted = 0;
  update(blank());
}

/** A view shows this node: its entries and samples are kept until the returned function is called. */
export function watchNode(node: string): () => void {
  watchedNodes.set(node, (watchedNodes.get(node) ?? 0) + 1);
  const stopSamples = wantSamples();
  void readDetail(node).catch(() => {});
  return () => {
    const left = (watchedNodes.get(node) ?? 1) - 1;
    if (left > 0) watchedNodes.set(node, left);
    else watchedNodes.delete(node);
    stopSamples();
    if (left <= 0) {
      const details = { ...fleet.details };
      delete details[node];
      update({ details });
    }
  };
}

/** A view shows what rests on samples of many nodes: they come until the returned function is called. */
export function wantSamples(): () => void {
  samplesWanted++;
  link?.want(true);
  return () => {
    samplesWanted--;
    if (samplesWanted <= 0) link?.want(false);
  };
}

/** A view shows the topology, however large the fleet is, and the figures of its links as they change. */
export function watchTopology(): () => void {
  topologyViews++;
  topologySoon();
  const timer = setInterval(topologySoon, FIGURES_MS);
  return () => {
    topologyViews--;
    clearInterval(timer);
  };
}
