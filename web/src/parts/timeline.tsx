// The timeline's drawing: lanes with the states of links and nodes, and a sign for each event. One of the signs can be reached by
// Tab; the arrow keys go on from there through time, and what is chosen is told below.
import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "../model/format";
import { inOrder, laneWord, type Lane, type Moment } from "../model/timeline";
import { linkPath, nodePath } from "../router";
import { Mark } from "./mark";

interface Frame {
  from: number;
  to: number;
}

const LANES_MAX = 60;
const DAY_MS = 86400000;

function percent(at: number, { from, to }: Frame): number {
  return Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));
}

function Sign({ moment, frame, isChosen, onChoose }: { moment: Moment; frame: Frame; isChosen: boolean; onChoose(): void }) {
  const sign = useRef<SVGGElement>(null);
  const { event, at } = moment;
  // The focus follows the choice and never leads it: two keys in a row would set one against the other for ever.
  useEffect(() => {
    if (isChosen && document.activeElement?.closest(".timeline")) sign.current?.focus();
  }, [isChosen]);
  return (
    <svg x={`${percent(at, frame)}%`} y="50%" overflow="visible" width="1" height="1">
      <g
        ref={sign} class={`sign sign-${event.severity}${isChosen ? " sign-chosen" : ""}`} role="button" tabindex={isChosen ? 0 : -1}
        aria-pressed={isChosen} aria-label={`${clock(at)}, ${event.severity}: ${event.text}`}
        onClick={(click) => {
          click.currentTarget.focus();
          onChoose();
        }}
      >
        <circle class="sign-touch" r="13" />
        {event.severity === "error" && <path d="M-5-5 5 5M5-5-5 5" />}
        {event.severity === "warning" && <path d="M0-6 6.5 5h-13z" />}
        {event.severity === "info" && <circle r="4" />}
      </g>
    </svg>
  );
}

function LaneRow({ lane, frame, chosen, onChoose }: { lane: Lane; frame: Frame; chosen: number | null; onChoose(id: number): void }) {
  return (
    <li class="lane">
      <span class="lane-word">{laneWord(lane)}</span>
      <svg class="lane-line" width="100%" height="28">
        <line class="lane-base" x1="0" x2="100%" y1="14" y2="14" />
        {lane.stretches.map(({ from, to, tone }) => (
          <rect
            key={from} class={`stretch stretch-${tone}`} x={`${percent(from, frame)}%`} y="10" height="8"
            width={`${Math.max(0, percent(to, frame) - percent(from, frame))}%`}
          />
        ))}
        {lane.moments.map((moment) => (
          <Sign
            key={moment.event.id} moment={moment} frame={frame} isChosen={chosen === moment.event.id}
            onChoose={() => onChoose(moment.event.id)}
          />
        ))}
      </svg>
    </li>
  );
}

function Axis({ frame }: { frame: Frame }) {
  const isLong = frame.to - frame.from > DAY_MS;
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => frame.from + part * (frame.to - frame.from));
  return (
    <div class="lane-axis" aria-hidden="true">
      {marks.map((at) => (
        <span key={at}>{isLong ? clock(at).slice(5, 16) : clock(at).slice(11, 16)}</span>
      ))}
    </div>
  );
}

// The charts of the link that an event is about, at that time; they reach back a day.
function chartsOf({ event, at }: Moment): string | null {
  const age = Date.now() - at;
  if (!event.node || !event.entry?.startsWith("link/") || age > DAY_MS) return null;
  return linkPath(event.node, event.entry.slice("link/".length), { span: age < 3300000 ? "1h" : "24h", at: event.at });
}

function Told({ moment }: { moment: Moment }) {
  const { event, at } = moment;
  const charts = chartsOf(moment);
  return (
    <div class="timeline-told" role="status">
      <Mark state={event.severity} />
      <p>
        <strong>{clock(at)}</strong>{" "}
        {event.node && (
          <a href={nodePath(event.node)} data-view>
            {event.node}
          </a>
        )}{" "}
        <span class="dim">{event.kind.replace(/_/g, " ")}</span>
        <br />
        {event.text}{" "}
        {charts && (
          <a href={charts} data-view>
            Charts at that time
          </a>
        )}
      </p>
    </div>
  );
}

const STEPS: Record<string, (i: number, last: number) => number> = {
  ArrowRight: (i, last) => Math.min(last, i + 1), ArrowLeft: (i) => Math.max(0, i - 1), Home: () => 0, End: (_, last) => last,
};

export function TimelineGraph({ lanes, frame }: { lanes: Lane[]; frame: Frame }) {
  const shown = lanes.slice(0, LANES_MAX);
  const moments = inOrder(shown);
  const [picked, setPicked] = useState<number | null>(null);
  const at = moments.findIndex(({ event }) => event.id === picked);
  const chosen = moments[at < 0 ? moments.length - 1 : at];
  const step = (key: KeyboardEvent) => {
    const next = STEPS[key.key]?.(at < 0 ? moments.length - 1 : at, moments.length - 1);
    if (next === undefined) return;
    key.preventDefault();
    setPicked(moments[next]?.event.id ?? null);
  };
  return (
    <div class="timeline" onKeyDown={step}>
      <ul class="lanes" aria-label="Timeline; the arrow keys go from event to event">
        {shown.map((lane) => (
          <LaneRow key={lane.key} lane={lane} frame={frame} chosen={chosen?.event.id ?? null} onChoose={setPicked} />
        ))}
      </ul>
      <Axis frame={frame} />
      {lanes.length > LANES_MAX && <p class="note">{lanes.length - LANES_MAX} more lanes are not drawn: choose a node.</p>}
      {chosen && <Told moment={chosen} />}
    </div>
  );
}
