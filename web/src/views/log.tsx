// What happened: drawn in time, and as the list of stored events; of all nodes, or of one.
import { useEffect, useState } from "preact/hooks";
import type { Log } from "../api/schema";
import { toMs } from "../live/shapes";
import { useFleet, useGet } from "../live/use";
import { CLASSES, lanesOf, SPANS } from "../model/timeline";
import { EventList, usePaced } from "../parts/events";
import { ProblemNote } from "../parts/problem";
import { Section } from "../parts/section";
import { TimelineGraph } from "../parts/timeline";
import { go, usePlace } from "../router";

const EVENTS_MAX = 1000;
const MOVE_MS = 10000;

function change(fields: Record<string, string>): void {
  const next = new URLSearchParams(location.search);
  for (const [field, value] of Object.entries(fields)) {
    if (value) next.set(field, value);
    else next.delete(field);
  }
  go(`/log${next.size ? `?${next}` : ""}`, true);
}

function Choice({ word, field, value, choices }: { word: string; field: string; value: string; choices: [string, string][] }) {
  return (
    <label>
      <span>{word}</span>
      <select value={value} onChange={(event) => change({ [field]: event.currentTarget.value })}>
        {choices.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The present, moved on in steps, so that what is drawn is not read anew all the time. */
function usePresent(): number {
  const offset = useFleet((fleet) => fleet.clockOffset);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MOVE_MS);
    return () => clearInterval(timer);
  }, []);
  return now + offset;
}

function Moves({ to, length, isNow }: { to: number; length: number; isNow: boolean }) {
  const move = (by: number) => change({ to: to + by >= Date.now() ? "" : new Date(to + by).toISOString() });
  return (
    <div class="tabs" role="group" aria-label="Time">
      <button type="button" onClick={() => move(-length / 2)}>Earlier</button>
      <button type="button" disabled={isNow} onClick={() => move(length / 2)}>Later</button>
      <button type="button" aria-pressed={isNow} onClick={() => change({ to: "" })}>Now</button>
    </div>
  );
}

interface Filter {
  node: string;
  severity: string;
  kind: string;
}

function Timeline({ filter, to, length, isNow }: { filter: Filter; to: number; length: number; isNow: boolean }) {
  const happenings = usePaced(useFleet((fleet) => fleet.happenings));
  const from = to - length;
  const query = new URLSearchParams({ limit: String(EVENTS_MAX), since: new Date(from).toISOString() });
  // The present moves on in steps; what came since the last one is shown at once.
  if (!isNow) query.set("until", new Date(to).toISOString());
  for (const [field, value] of Object.entries(filter)) if (value) query.set(field, value);
  const { data, refused } = useGet<Log>(`/api/v1/log?${query}`, isNow ? happenings : 0, true);
  if (refused && !data) return <ProblemNote refused={refused} />;
  if (!data) return <div class="waiting" aria-busy="true" />;
  if (data.items.length === 0) return <p class="note">Nothing happened in this time.</p>;
  return (
    <>
      <TimelineGraph lanes={lanesOf(data.items, to)} frame={{ from, to }} />
      {data.next !== null && <p class="note">Only the newest {EVENTS_MAX} events of this time are drawn.</p>}
    </>
  );
}

export function EventLog() {
  const { query } = usePlace();
  const nodes = useFleet((fleet) => fleet.state?.nodes ?? null);
  const present = usePresent();
  const filter = { node: query.get("node") ?? "", severity: query.get("severity") ?? "", kind: query.get("kind") ?? "" };
  const span = SPANS.find(([value]) => value === query.get("span")) ?? SPANS[1]!;
  const asked = toMs(query.get("to"));
  const to = asked ?? present;
  const names = (nodes ?? []).map((each): [string, string] => [each.name, each.name]);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Events</h1>
        <div class="filters">
          <Choice word="Node" field="node" value={filter.node} choices={[["", "all"], ...names]} />
          <Choice word="About" field="kind" value={filter.kind} choices={CLASSES} />
          <Choice
            word="Severity" field="severity" value={filter.severity}
            choices={[["", "all"], ["warning", "warnings and errors"], ["error", "errors"]]}
          />
          <Choice word="Time" field="span" value={span[0]} choices={SPANS.map(([value, word]): [string, string] => [value, word])} />
          <Moves to={to} length={span[2]} isNow={asked === null} />
        </div>
      </div>
      <Timeline filter={filter} to={to} length={span[2]} isNow={asked === null} />
      <Section title="All events" note="kept for 30 days">
        <EventList
          limit={100} node={filter.node || undefined} severity={filter.severity || undefined} kind={filter.kind || undefined} paged
          until={asked === null ? undefined : new Date(to).toISOString()}
        />
      </Section>
    </div>
  );
}
