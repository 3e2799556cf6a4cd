// One link as one of its ends measures it: now, and over the last hour or day.
import { useEffect, useState } from "preact/hooks";
import type { LinkHistory } from "../api/schema";
import { watchNode } from "../live/fleet";
import { toMs, type FleetTopology } from "../live/shapes";
import { useFleet, useGet } from "../live/use";
import { text } from "../model/entries";
import { clock } from "../model/format";
import { chartsOf } from "../model/history";
import { HistoryChart } from "../parts/chart";
import { Empty } from "../parts/empty";
import { Drained, State } from "../parts/mark";
import { ProblemNote } from "../parts/problem";
import { Section } from "../parts/section";
import { EventList } from "../parts/events";
import { go, linkPath, nodePath, usePlace } from "../router";

const SPANS: [string, string, number][] = [["1h", "1 hour", 10000], ["24h", "24 hours", 60000]];

/** Grows as often as the newest slot is worth reading again. */
function useTurns(everyMs: number): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((n) => n + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return turn;
}

function Charts({ history, at }: { history: LinkHistory; at: number | null }) {
  const from = toMs(history.start) ?? 0;
  const to = from + history.step_ms * history.slots.rtt_avg_us.length;
  return (
    <div class="charts">
      {chartsOf(history).map((data) => (
        <HistoryChart key={data.title} data={data} window={{ from, to, at }} />
      ))}
    </div>
  );
}

/** Whether the link, of a network or an external one, is drained. */
function drainedOf(topology: FleetTopology | null, ends: Ends): boolean {
  if (!topology) return false;
  if (!ends.peer) return topology.external.some((link) => link.node === ends.node && link.name === ends.link && link.drained === true);
  const network = ends.link.slice(0, -ends.peer.length - 1);
  const [a, b] = [ends.node, ends.peer].sort();
  return topology.links.some((link) => link.network === network && link.a === a && link.b === b && link.drained === true);
}

interface Ends {
  node: string;
  peer: string;
  /** Network and peer. */
  link: string;
  /** The same link as its other end names it. */
  back: string;
}

function endsOf(query: URLSearchParams): Ends {
  const node = query.get("node") ?? "";
  const link = query.get("link") ?? "";
  const [network = "", ...rest] = link.split("/");
  return { node, link, peer: rest.join("/"), back: `${network}/${node}` };
}

function Chooser({ ends, span, at }: { ends: Ends; span: string; at: string | null }) {
  const to = (node: string, link: string, word: string) => go(linkPath(node, link, { span: word, at }), true);
  return (
    <div class="filters">
      <div class="tabs" role="group" aria-label="Measured by">
        <button type="button" aria-pressed="true">
          seen by {ends.node}
        </button>
        <button type="button" aria-pressed="false" onClick={() => to(ends.peer, ends.back, span)}>
          by {ends.peer}
        </button>
      </div>
      <div class="tabs" role="group" aria-label="Time">
        {SPANS.map(([value, word]) => (
          <button key={value} type="button" aria-pressed={value === span} onClick={() => to(ends.node, ends.link, value)}>
            {word}
          </button>
        ))}
      </div>
    </div>
  );
}

function NoSuchLink() {
  return (
    <div class="page">
      <h1>Link</h1>
      <Empty title="No link was named.">
        <p>
          Choose one in <a href="/links" data-view>Links</a>.
        </p>
      </Empty>
    </div>
  );
}

export function LinkPage() {
  const { query } = usePlace();
  const ends = endsOf(query);
  const span = query.get("span") === "24h" ? "24h" : "1h";
  const at = query.get("at");
  const turn = useTurns(SPANS.find(([value]) => value === span)?.[2] ?? 10000);
  const isNamed = ends.node !== "" && ends.link !== "";
  const search = new URLSearchParams({ link: ends.link, span });
  const path = isNamed ? `/api/v1/nodes/${encodeURIComponent(ends.node)}/history?${search}` : null;
  const { data, refused } = useGet<LinkHistory>(path, turn);
  const observed = useFleet((fleet) => fleet.details[ends.node]?.entries[`link/${ends.link}`] ?? null);
  const isDrained = useFleet((fleet) => drainedOf(fleet.topology, ends));
  useEffect(() => (isNamed ? watchNode(ends.node) : undefined), [ends.node, isNamed]);
  if (!isNamed) return <NoSuchLink />;
  return (
    <div class="page">
      <p class="crumb">
        <a href="/links" data-view>Links</a>
      </p>
      <div class="page-head">
        <h1>
          <a href={nodePath(ends.node)} data-view>{ends.node}</a> – {ends.peer ? <a href={nodePath(ends.peer)} data-view>{ends.peer}</a> : ends.link}{" "}
          <State state={text(observed, "state") ?? "unknown"} /> <Drained is={isDrained} />
        </h1>
        <Chooser ends={ends} span={span} at={at} />
      </div>
      {text(observed, "cause") && <p class="note">{text(observed, "cause")}</p>}
      {toMs(at) !== null && <p class="note">The dotted line is at {clock(toMs(at) ?? 0)}.</p>}
      {refused && <ProblemNote refused={refused} />}
      {data ? <Charts history={data} at={toMs(at)} /> : !refused && <div class="waiting" aria-busy="true" />}
      <p class="note">
        {ends.node} remembers this itself: an hour in steps of 10 s, a day in steps of 5 min, since its agent started.
      </p>
      <Section title="Events">
        <EventList limit={10} node={ends.node} entry={`link/${ends.link}`} />
      </Section>
    </div>
  );
}
