// One sentence on the whole fleet: what is wrong first, or that nothing is.
import { toMs, type FleetState, type FleetTopology, type NodeState } from "../live/shapes";
import { duration, plural } from "./format";
import { tally } from "./links";

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
      // Without a failed entry it is something else on the host that stops traffic, or a revision that it refuses.
      if (!first || node.refused) return { grade: "bad", text: `${node.name}: ${cut(node.reason)}`, node: node.name };
      const why = `: ${first.entry}: ${cut(first.text)}`;
      const how = node.lag > 0 ? behind(node) : ` has ${plural(node.errors_total, "failed entry", "failed entries")}`;
      return { grade: "bad", text: `${node.name}${how}${why}`, node: node.name };
    }
    case "lagging":
      return { grade: "warn", text: `${node.name}${behind(node)}`, node: node.name };
    case "never":
      return { grade: "note", text: `${node.name} has never connected`, node: node.name };
    default:
      return null;
  }
}

// Several of the same sort read better as one.
function grouped(findings: Finding[], nodes: NodeState[]): Finding[] {
  const never = nodes.filter((node) => node.health === "never");
  if (never.length < 3) return findings;
  const rest = findings.filter((finding) => !never.some((node) => node.name === finding.node));
  return [...rest, { grade: "note", text: `${never.length} nodes have never connected`, node: null }];
}

// A host that waits need not be a node yet; then there is no page to look at.
function waiting(state: FleetState): Finding[] {
  const names = new Set(state.nodes.map((node) => node.name));
  return state.pending.map(({ name }) => ({
    grade: "warn", text: `${name} waits for approval`, node: names.has(name) ? name : null,
  }));
}

// A link to a node that is away needs no words of its own.
function links(state: FleetState, topology: FleetTopology | null): Finding[] {
  const away = new Set(state.nodes.filter((node) => !node.connected).map((node) => node.name));
  if (!topology) {
    const down = away.size === 0 ? (state.counts.links_down ?? 0) : 0;
    return down ? [{ grade: "bad", text: `${plural(down, "link")} ${down === 1 ? "is" : "are"} down`, node: null }] : [];
  }
  const down = topology.links.filter((link) => link.state === "down" && !away.has(link.a) && !away.has(link.b));
  if (down.length === 0) return [];
  const names = down.slice(0, 2).map((link) => `${link.a} – ${link.b}`);
  const more = down.length > 2 ? ` and ${down.length - 2} more` : "";
  const text = down.length === 1 ? `the link ${names[0]} is down` : `the links ${names.join(", ")}${more} are down`;
  return [{ grade: "bad", text, node: null }];
}

function linksUp(state: FleetState, topology: FleetTopology | null): string {
  const told = state.counts.links_up ?? 0;
  const [up, wanted] = topology ? tally(topology.links) : [told, told];
  if (wanted === 0) return "";
  if (up < wanted) return `; ${up} of ${plural(wanted, "link")} are up, no end tells of the others yet`;
  return wanted === 1 ? "; the one link is up" : `; all ${wanted} links are up`;
}

function healthy(state: FleetState, topology: FleetTopology | null): Verdict {
  const n = state.nodes.length;
  const who = n === 1 ? "The one node is" : `All ${n} nodes are`;
  return { grade: "ok", text: `${who} up to date at revision ${state.revision}${linksUp(state, topology)}.`, node: null };
}

export function verdictOf(state: FleetState, topology: FleetTopology | null, now: number): Verdict {
  const asking = waiting(state);
  if (state.nodes.length === 0 && asking.length === 0) return { grade: "note", text: "There are no nodes yet.", node: null };
  const asked = new Set(state.pending.map((host) => host.name));
  const told = state.nodes.filter((node) => !(node.health === "never" && asked.has(node.name)));
  const each = told.map((node) => findingOf(node, now)).filter((finding) => finding !== null);
  const findings = [...grouped(each, told), ...asking, ...links(state, topology)];
  findings.sort((a, b) => RANK[b.grade] - RANK[a.grade]);
  const worst = findings[0];
  if (!worst) return healthy(state, topology);
  const first = findings.slice(0, TOLD_MAX).map((finding) => finding.text);
  const more = findings.length - first.length;
  const text = first.join("; ") + (more > 0 ? `; and ${more} more` : "");
  return { grade: worst.grade, text: `${text}${/[.!?…]$/.test(text) ? "" : "."}`, node: worst.node };
}
