// How many links are up of those that should be: a degraded one forwards, too; one that an override has switched off is none
// of them.
import type { TopologyLink } from "../live/shapes";
import { share, span } from "./format";

export function tally(links: TopologyLink[]): [up: number, wanted: number] {
  const wanted = links.filter((link) => link.state !== "disabled");
  return [wanted.filter((link) => link.state === "up" || link.state === "degraded").length, wanted.length];
}

/** "0.63 ms, jitter 0.21 ms, 0 % lost", or "" while nobody tells. */
export function figuresOf(link: TopologyLink): string {
  const parts: string[] = [];
  if (typeof link.rtt_us === "number") parts.push(span(link.rtt_us));
  if (typeof link.jitter_us === "number") parts.push(`jitter ${span(link.jitter_us)}`);
  if (typeof link.loss === "number") parts.push(`${share(link.loss)} lost`);
  return parts.join(", ");
}
