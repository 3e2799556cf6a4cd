// The one sentence at the top of every view.
import { useFleet, useNow } from "../live/use";
import { verdictOf, type Grade } from "../model/verdict";
import { clock, duration } from "../model/format";
import { nodePath } from "../router";
import { Mark, type MarkState } from "./mark";

const MARKS: Record<Grade, MarkState> = { ok: "ok", note: "never", warn: "lagging", bad: "error" };

function Lost({ lostAt }: { lostAt: number | null }) {
  const now = useNow(1000) - useFleet((fleet) => fleet.clockOffset);
  const asOf = useFleet((fleet) => fleet.state !== null);
  return (
    <div class="verdict verdict-lost" role="alert">
      <Mark state="offline" />
      <p>
        Connection to the controller lost, retrying.
        {lostAt !== null && ` ${duration(now - lostAt)} ago`}
        {asOf && lostAt !== null && <span class="dim"> What you see is as of {clock(lostAt)}.</span>}
      </p>
    </div>
  );
}

export function VerdictBar() {
  const feed = useFleet((fleet) => fleet.feed);
  const lostAt = useFleet((fleet) => fleet.lostAt);
  const state = useFleet((fleet) => fleet.state);
  const topology = useFleet((fleet) => fleet.topology);
  const now = useNow(1000);
  if (feed === "lost") return <Lost lostAt={lostAt} />;
  if (!state) {
    return (
      <div class="verdict verdict-note" role="status">
        <Mark state="unknown" />
        <p>Reading the state of the fleet …</p>
      </div>
    );
  }
  const verdict = verdictOf(state, topology, now);
  return (
    <div class={`verdict verdict-${verdict.grade}`} data-verdict={verdict.grade}>
      <Mark state={MARKS[verdict.grade]} />
      <p>{verdict.text}</p>
      {verdict.node && (
        <a href={nodePath(verdict.node)} data-view>
          Look at {verdict.node}
        </a>
      )}
      <span class="verdict-live" title="Changes are shown as they happen">
        {feed === "up" ? "live" : "connecting"}
      </span>
    </div>
  );
}
