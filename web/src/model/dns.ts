// What is told of resolvers: their places, rows of their logs, names above a name.
import type { DnsQuery, Resource } from "../api/schema";

export interface DnsPlace {
  node: string;
  resolver: string;
}

/** The nodes on which resolvers run, by name. */
export function placesOf(resolvers: Resource[]): DnsPlace[] {
  const places = resolvers.flatMap((resolver) => {
    const nodes = (resolver.effective as { nodes?: string[] } | undefined)?.nodes ?? [];
    return nodes.map((node) => ({ node, resolver: resolver.name }));
  });
  return places.sort((a, b) => a.node.localeCompare(b.node));
}

/** What may be meant by a name that was asked for: itself, and each name above it but the last. */
export function namesAbove(name: string): string[] {
  const labels = name.replace(/\.$/, "").split(".");
  return labels.map((_, at) => labels.slice(at).join(".")).slice(0, Math.max(1, labels.length - 1));
}

const BAD = ["failed", "refused", "limited"];

/** How an outcome is marked. */
export function markOf(outcome: string): string {
  if (BAD.includes(outcome)) return "error";
  return outcome === "blocked" ? "blocking" : "ok";
}

/** The newest rows, the newest first. */
export function withNewer(rows: DnsQuery[], newer: DnsQuery[], most: number): DnsQuery[] {
  return [...newer].reverse().concat(rows).slice(0, most);
}
