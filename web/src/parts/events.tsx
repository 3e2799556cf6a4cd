// Events, newest first, as they are stored; read again when the stream tells of a new one.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Event, Log } from "../api/schema";
import { useFleet, useGet } from "../live/use";
import { nodePath } from "../router";
import { Empty } from "./empty";
import { Mark } from "./mark";
import { ProblemNote } from "./problem";
import { Ago } from "./time";

interface EventListProps {
  limit: number;
  node?: string;
  /** The least. */
  severity?: string;
  /** Only about this one. */
  entry?: string;
  /** How their kind begins. */
  kind?: string;
  /** The latest. */
  until?: string;
  /** Offers older pages. */
  paged?: boolean;
}

const PACE_MS = 800;

// The count of happenings, but at most every PACE_MS: a storm of events must not become a storm of requests.
export function usePaced(value: number): number {
  const [shown, setShown] = useState(value);
  useEffect(() => {
    if (value === shown) return undefined;
    const timer = setTimeout(() => setShown(value), PACE_MS);
    return () => clearTimeout(timer);
  }, [shown, value > shown]);
  return shown;
}

function EventRow({ event, showNode }: { event: Event; showNode: boolean }) {
  return (
    <li class={`event event-${event.severity}`}>
      <Mark state={event.severity} />
      <span class="event-time">
        <Ago at={event.at} />
      </span>
      <span class="event-text">
        {showNode && event.node && (
          <>
            <a href={nodePath(event.node)} data-view>
              {event.node}
            </a>{" "}
          </>
        )}
        <span class="hidden">{event.severity}: </span>
        {event.text} {event.entry && !event.text.includes(event.entry) && <code>{event.entry}</code>}
      </span>
      <span class="event-kind">{event.kind.replace(/_/g, " ")}</span>
    </li>
  );
}

function path({ limit, node, severity, entry, kind, until }: EventListProps, after?: number): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (node) query.set("node", node);
  if (severity) query.set("severity", severity);
  if (entry) query.set("entry", entry);
  if (kind) query.set("kind", kind);
  if (until) query.set("until", until);
  if (after !== undefined) query.set("after", String(after));
  return `/api/v1/log?${query}`;
}

export function EventList(props: EventListProps) {
  const { limit, node, severity, kind, until, paged } = props;
  const happenings = usePaced(useFleet((fleet) => fleet.happenings));
  const { data, refused } = useGet<Log>(path(props), happenings);
  const [older, setOlder] = useState<Log | null>(null);
  useEffect(() => setOlder(null), [node, severity, kind, until, limit]);
  if (refused && !data) return <ProblemNote refused={refused} />;
  if (!data) return <div class="waiting" aria-busy="true" />;
  const seen = new Set(data.items.map((event) => event.id));
  const shown = [...data.items, ...(older?.items ?? []).filter((event) => !seen.has(event.id))];
  const next = older ? older.next : data.next;
  const more = async () => {
    const page = await get<Log>(path(props, next ?? 0));
    setOlder({ items: [...(older?.items ?? []), ...page.items], next: page.next });
  };
  if (shown.length === 0)
    return (
      <Empty title={kind ? "No such event." : severity ? `No event of severity ${severity}${severity === "error" ? "" : " or worse"}.` : "Nothing has happened yet."}>
        {!severity && !kind && <p>Nodes that join or leave, repaired drift and failed entries will be told here.</p>}
      </Empty>
    );
  return (
    <>
      <ul class="events">
        {shown.map((event) => (
          <EventRow key={event.id} event={event} showNode={!node} />
        ))}
      </ul>
      {paged && next !== null && (
        <button type="button" onClick={more}>
          Show older events
        </button>
      )}
    </>
  );
}
