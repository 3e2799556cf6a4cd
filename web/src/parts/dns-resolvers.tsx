// The nodes that run a resolver: whether it answers, whom it asks, what it counts.
import { useEffect } from "preact/hooks";
import { watchNode } from "../live/fleet";
import { useFleet } from "../live/use";
import { count, span } from "../model/format";
import type { DnsPlace } from "../model/dns";
import { configPath, nodePath } from "../router";
import { State } from "./mark";
import { Scroll, Section } from "./section";
import { Value } from "./value";

interface Upstream {
  name: string;
  state: string;
  rtt_us?: number | null;
  /** The gateway-groups by which it does not answer. */
  away?: string[];
}

const STATES: Record<string, string> = { running: "ok", starting: "learning", failing: "error" };
const COUNTS = ["queries", "cached", "blocked", "failed"] as const;

function Upstreams({ all }: { all: Upstream[] }) {
  if (all.length === 0) return <Value value={null} />;
  return (
    <>
      {all.map((one, at) => (
        <span key={one.name} title={one.rtt_us ? span(one.rtt_us) : undefined}>
          {at > 0 && ", "}
          {one.name}{" "}
          <span class="dim">
            {one.state}
            {one.away && `, not by ${one.away.join(", ")}`}
          </span>
        </span>
      ))}
    </>
  );
}

function Row({ place }: { place: DnsPlace }) {
  const detail = useFleet((fleet) => fleet.details[place.node] ?? null);
  useEffect(() => watchNode(place.node), [place.node]);
  const key = `dns/${place.resolver}`;
  const body = detail?.entries[key];
  const samples = (detail?.samples?.values as Record<string, Record<string, number>> | null | undefined)?.[key];
  const state = typeof body?.state === "string" ? body.state : "unknown";
  return (
    <tr>
      <th scope="row">
        <a href={nodePath(place.node)} data-view>
          {place.node}
        </a>
      </th>
      <td>
        <a href={configPath("resolvers", place.resolver)} data-view>
          {place.resolver}
        </a>
      </td>
      <td>
        <State state={STATES[state] ?? "unknown"} word={state} />
      </td>
      <td class="wrap">
        <Upstreams all={(body?.upstreams as Upstream[] | undefined) ?? []} />
      </td>
      {COUNTS.map((field) => (
        <td key={field} class="num">
          {samples?.[field] === undefined ? <Value value={null} /> : count(samples[field])}
        </td>
      ))}
      <td class="why">
        <Value value={typeof body?.error === "string" ? body.error : null} />
      </td>
    </tr>
  );
}

export function DnsResolvers({ places }: { places: DnsPlace[] }) {
  return (
    <Section title="Resolvers" note={<a href={configPath("resolvers")} data-view>Configuration</a>}>
      <Scroll label="Resolvers">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Resolver</th>
              <th scope="col">State</th>
              <th scope="col">Upstreams</th>
              {COUNTS.map((field) => (
                <th key={field} scope="col" class="num">
                  {field[0]!.toUpperCase() + field.slice(1)}
                </th>
              ))}
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {places.map((place) => (
              <Row key={place.node} place={place} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
