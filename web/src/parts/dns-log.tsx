// What a resolver is asked, as it comes.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, Refused } from "../api/client";
import type { DnsLog as Log, DnsQuery } from "../api/schema";
import { clock, span } from "../model/format";
import { markOf, withNewer, type DnsPlace } from "../model/dns";
import { toMs } from "../live/shapes";
import { useMay } from "../session";
import { DnsPick } from "./dns-pick";
import { State } from "./mark";
import { ProblemNote } from "./problem";
import { Scroll, Section } from "./section";
import { Value } from "./value";

const LOOK_MS = 1000;
const ROWS_MAX = 200;

/** The last rows of a node, and what comes; nothing while it is paused. */
function useRows(node: string, client: string, isPaused: boolean) {
  const [rows, setRows] = useState<DnsQuery[]>([]);
  const [refused, setRefused] = useState<Refused | null>(null);
  const last = useRef<string | null>(null);
  useEffect(() => {
    setRows([]);
    last.current = null;
  }, [node, client]);
  useEffect(() => {
    if (isPaused) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isCurrent = true;
    const look = async () => {
      const query = new URLSearchParams({ limit: String(ROWS_MAX) });
      if (client) query.set("client", client);
      if (last.current) query.set("since", last.current);
      try {
        const answer = await get<Log>(`/api/v1/nodes/${encodeURIComponent(node)}/dns/log?${query}`);
        if (!isCurrent) return;
        last.current = answer.rows.at(-1)?.at ?? last.current;
        if (answer.rows.length > 0) setRows((now) => withNewer(now, answer.rows, ROWS_MAX));
        setRefused(null);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (isCurrent) setRefused(error);
      }
      if (isCurrent) timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [node, client, isPaused]);
  return { rows, refused };
}

function Row({ row, onPick }: { row: DnsQuery; onPick: (() => void) | null }) {
  return (
    <tr>
      <td class="num">{clock(toMs(row.at) ?? 0)}</td>
      <td class="mono">{row.client}</td>
      <th scope="row" class="mono">
        {row.name}
      </th>
      <td>{row.type}</td>
      <td>
        <State state={markOf(row.outcome)} word={row.outcome} />
      </td>
      <td>
        <Value value={row.list ?? row.rule ?? null} />
      </td>
      <td>
        <Value value={row.upstream ?? null} />
      </td>
      <td class="num">{row.us === undefined ? <Value value={null} /> : span(row.us)}</td>
      <td>
        {onPick && (
          <button type="button" class="link" onClick={onPick} aria-label={`Add ${row.name} to a list`}>
            Add to list
          </button>
        )}
      </td>
    </tr>
  );
}

const HEADS = ["Client", "Name", "Type", "Outcome", "By", "From"];

export function DnsLog({ places }: { places: DnsPlace[] }) {
  const mayWrite = useMay("network");
  const [node, setNode] = useState(places[0]?.node ?? "");
  const [client, setClient] = useState("");
  const [isPaused, setPaused] = useState(false);
  const [picked, setPicked] = useState<string | null>(null);
  const { rows, refused } = useRows(node, client, isPaused || picked !== null);
  return (
    <Section title="Questions" note="as far as the resolver's log says; kept by the node, in memory only">
      <div class="filters">
        <label>
          <span>Node</span>
          <select value={node} onChange={(event) => setNode(event.currentTarget.value)}>
            {places.map((place) => (
              <option key={place.node} value={place.node}>
                {place.node}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Client</span>
          <input type="search" placeholder="all" onChange={(event) => setClient(event.currentTarget.value.trim())} />
        </label>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          Pause
        </button>
      </div>
      {refused && <ProblemNote refused={refused} />}
      {!refused && rows.length === 0 && <p class="note">Nothing was asked yet, or the resolver's log is off.</p>}
      {rows.length > 0 && (
        <Scroll label="Questions">
          <table class="table">
            <thead>
              <tr>
                <th scope="col" class="num">
                  At
                </th>
                {HEADS.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
                <th scope="col" class="num">
                  Took
                </th>
                <th scope="col">
                  <span class="hidden">Pick</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, at) => (
                <Row key={`${row.at} ${row.name} ${rows.length - at}`} row={row} onPick={mayWrite ? () => setPicked(row.name) : null} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {picked !== null && <DnsPick name={picked} onClose={() => setPicked(null)} />}
    </Section>
  );
}
