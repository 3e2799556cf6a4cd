// A time, told relative to now, with the exact one as its title.
import { useNow } from "../live/use";
import { toMs } from "../live/shapes";
import { ago, clockExact, duration } from "../model/format";

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow(1000);
  const ms = toMs(at);
  if (ms === null) return <span class="dim">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={clockExact(ms)}>
      {ago(ms, now)}
    </time>
  );
}

/** How long it has been so: "for 4 min". */
export function Since({ at }: { at: string | null | undefined }) {
  const now = useNow(1000);
  const ms = toMs(at);
  if (ms === null) return null;
  return (
    <time dateTime={new Date(ms).toISOString()} title={`since ${clockExact(ms)}`}>
      {duration(now - ms)}
    </time>
  );
}
