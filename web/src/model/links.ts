// How many links are up of those that should be: a degraded one forwards, too; one that an override has switched off is none
// of them.
import type { TopologyLink } from "../live/shapes";

export function tally(links: TopologyLink[]): [up: number, wanted: number] {
  const wanted = links.filter((link) => link.state !== "disabled");
  return [wanted.filter((link) => link.state === "up" || link.state === "degraded").length, wanted.length];
}
