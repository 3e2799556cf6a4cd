// What a node page shows, gathered from its desired and observed entries and its samples.
import type { Bodies, Body, NodeDetail } from "../live/shapes";

export interface Keyed {
  key: string;
  /** The parts of the key after the kind: network or segment, then the peer. */
  owner: string;
  peer: string;
  desired: Body | null;
  observed: Body | null;
}

/** All entries of a kind, wanted or seen, by key. */
export function entriesOf(detail: NodeDetail, kind: string): Keyed[] {
  const keys = new Set<string>();
  for (const key of [...Object.keys(detail.desired), ...Object.keys(detail.entries)])
    if (key.startsWith(`${kind}/`)) keys.add(key);
  return [...keys].sort().map((key) => {
    const [, owner = "", ...rest] = key.split("/");
    return { key, owner, peer: rest.join("/"), desired: detail.desired[key] ?? null, observed: detail.entries[key] ?? null };
  });
}

export function text(body: Body | null | undefined, field: string): string | null {
  const value = body?.[field];
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : String(value);
}

export function number(body: Body | null | undefined, field: string): number | null {
  const value = body?.[field];
  return typeof value === "number" ? value : null;
}

export function sample(detail: NodeDetail, key: string, name: string): number | null {
  const value = detail.samples?.values[key]?.[name];
  return typeof value === "number" ? value : null;
}

/** Per second between the last two samples; null until there are two, or after the counter began anew. */
export function sampleRate(detail: NodeDetail, key: string, name: string): number | null {
  const now = sample(detail, key, name);
  const before = detail.before?.values[key]?.[name];
  const ms = (detail.samples?.at ?? 0) - (detail.before?.at ?? 0);
  if (now === null || typeof before !== "number" || ms <= 0 || now < before) return null;
  return ((now - before) * 1000) / ms;
}

export type Standing = "same" | "missing" | "failed" | "extra";

/** How what is seen stands against what is wanted. */
export function standingOf(entry: Keyed, failed: Set<string>): Standing {
  if (failed.has(entry.key)) return "failed";
  if (!entry.desired) return "extra";
  return entry.observed ? "same" : "missing";
}

export function allEntries(detail: NodeDetail): Keyed[] {
  const kinds = new Set<string>();
  for (const key of [...Object.keys(detail.desired), ...Object.keys(detail.entries)]) kinds.add(key.split("/")[0] ?? key);
  // What comes of a probe is seen as its link; of a key nothing is ever seen.
  for (const kind of ["node", "link", "probe-key", "ha-key"]) kinds.delete(kind);
  return [...kinds].sort().flatMap((kind) => entriesOf(detail, kind)).map((entry) => {
    const link = /^(probe|echo)\//.test(entry.key) ? detail.entries[entry.key.replace(/^[a-z]+/, "link")] : undefined;
    return link ? { ...entry, observed: link } : entry;
  });
}

/** Addresses wanted on a device. */
export function addressesOn(desired: Bodies, device: string | null): string[] {
  return Object.entries(desired)
    .filter(([key, body]) => key.startsWith("address/") && body.device === device)
    .map(([, body]) => String(body.address ?? ""));
}
