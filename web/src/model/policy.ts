// Policies as people read and write them: what a rule says, what it counts, which gateways are used where.
import type { PolicyRule, PolicySpec, Resource } from "../api/schema";
import type { NodeDetail } from "../live/shapes";
import { number, sample, sampleRate, text } from "./entries";

/** What becomes of the flows of a rule, as a form has it. */
export type Deed = "via" | "direct" | "reject" | "drop" | "nxdomain";

export function deedOf(rule: PolicyRule): Deed {
  return rule.via ? "via" : (rule.block ?? "direct");
}

const DEEDS: Record<Exclude<Deed, "via">, string> = {
  direct: "the host's own way", reject: "refused, and told so", drop: "dropped", nxdomain: "has no such name",
};

export function deedWords(rule: PolicyRule): string {
  const deed = deedOf(rule);
  return deed === "via" ? `via ${nameIn(rule.via ?? "")}` : DEEDS[deed];
}

/** "gateway-group/tv" and "tv" -> "tv" */
export function nameIn(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

export function listsOf(rule: PolicyRule): string[] {
  return rule.to.filter((to) => to.startsWith("list/")).map(nameIn);
}

export function placesTo(rule: PolicyRule): string[] {
  return rule.to.filter((to) => to !== "any" && !to.startsWith("list/"));
}

/** The words between commas and blanks. */
export function words(value: FormDataEntryValue | null): string[] {
  return String(value ?? "").split(/[\s,]+/).filter(Boolean);
}

/** The rule that a form says, without what is as by default. */
export function ruleOf(fields: FormData): PolicyRule {
  const lists = fields.getAll("list").map((name) => `list/${String(name)}`);
  const to = fields.get("where") === "any" ? ["any"] : [...lists, ...words(fields.get("places"))];
  const ports = words(fields.get("ports"));
  const deed = String(fields.get("deed")) as Deed;
  const comment = String(fields.get("comment") ?? "").trim();
  return {
    to,
    ...(ports.length > 0 ? { ports } : {}),
    ...(deed === "via" ? { via: String(fields.get("via")) } : {}),
    ...(deed === "via" && fields.get("otherwise") === "direct" ? { otherwise: "direct" as const } : {}),
    ...(deed !== "via" && deed !== "direct" ? { block: deed } : {}),
    ...(lists.length > 0 && fields.get("where") !== "any" && fields.get("unknown") === "on" ? { unknown: true } : {}),
    ...(comment ? { comment } : {}),
  };
}

export function rulesOf(policy: Resource): PolicyRule[] {
  return (policy.spec as PolicySpec).rules;
}

/** The list with the item at `from` in the place `to`. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const rest = list.filter((_, at) => at !== from);
  return [...rest.slice(0, to), list[from] as T, ...rest.slice(to)];
}

// ---- where a policy holds ----

/** The nodes that look at its clients' packets, and these clients. */
export function clientsOf(policy: Resource): [string, string[]][] {
  return Object.entries((policy.effective as { clients?: Record<string, string[]> } | undefined)?.clients ?? {});
}

export function nodesOf(policies: Resource[]): string[] {
  return [...new Set(policies.flatMap((policy) => clientsOf(policy).map(([node]) => node)))].sort();
}

// ---- what is counted ----

export interface RuleCounts {
  flows: number;
  bytes: number;
  /** Bytes a second; null until two samples came. */
  rate: number | null;
}

type Details = Record<string, NodeDetail | undefined>;

/** Of all nodes together; null while none has told. */
export function countsOf(details: Details, nodes: string[], policy: string, rule: number): RuleCounts | null {
  const key = `policy/${policy}`;
  const told = nodes.flatMap((node) => {
    const detail = details[node];
    const flows = detail ? sample(detail, key, `rule_${rule}_flows_total`) : null;
    if (!detail || flows === null) return [];
    const carried = sample(detail, key, `rule_${rule}_bytes_total`) ?? 0;
    return [{ flows, bytes: carried, rate: sampleRate(detail, key, `rule_${rule}_bytes_total`) }];
  });
  if (told.length === 0) return null;
  return told.reduce((sum, one) => ({
    flows: sum.flows + one.flows,
    bytes: sum.bytes + one.bytes,
    rate: one.rate === null ? sum.rate : (sum.rate ?? 0) + one.rate,
  }));
}

// ---- gateways ----

export interface GatewayAt {
  node: string;
  state: string;
  cause: string | null;
}

/** How the nodes that use a gateway find it. */
export function gatewayAt(details: Details, nodes: string[], gateway: string): GatewayAt[] {
  return nodes.flatMap((node) => {
    const body = details[node]?.entries[`gateway/${gateway}`];
    return body ? [{ node, state: text(body, "state") ?? "unknown", cause: text(body, "cause") }] : [];
  });
}

export interface GroupAt {
  node: string;
  otherwise: string;
  gateway: string | null;
  since: number | null;
  cause: string | null;
}

/** By which gateway each node's traffic of the group leaves now. */
export function groupAt(details: Details, nodes: string[], group: string): GroupAt[] {
  return nodes.flatMap((node) =>
    ["block", "direct"].flatMap((otherwise) => {
      const body = details[node]?.entries[`gateway-group/${group}.${otherwise}`];
      const gateway = text(body, "gateway");
      return body ? [{ node, otherwise, gateway: gateway && nameIn(gateway), since: number(body, "since"), cause: text(body, "cause") }] : [];
    }),
  );
}
