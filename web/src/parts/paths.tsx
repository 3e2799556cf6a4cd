// By which nodes the traffic to the others of a routed segment goes, and by which external links that to prefixes
// outside; why, and what else there is.
import type { Body, NodeDetail } from "../live/shapes";
import { entriesOf, number, text, type Keyed } from "../model/entries";
import { nodePath } from "../router";
import { State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Ago } from "./time";
import { Value } from "./value";

function waysOf(path: Keyed): Body[] {
  const ways = path.observed?.ways;
  return Array.isArray(ways) ? (ways as Body[]) : [];
}

function wayName(way: Body): string {
  const by = text(way, "by");
  return by === null ? "direct" : `by ${by}`;
}

const isOutside = (path: Keyed) => path.key.startsWith("outside/");

/** Where it leads: a node, or a prefix, whose slash is none between parts of the key. */
function Goal({ path }: { path: Keyed }) {
  if (isOutside(path)) return <>{path.key.slice("outside/".length)}</>;
  return (
    <a href={nodePath(path.peer)} data-view>
      {path.peer}
    </a>
  );
}

/** What else is told of a way beside its state. */
function remarks(way: Body): string {
  const drain = text(way, "drain");
  return [way.standby === true && "standby", drain && `drained: ${drain}`].filter(Boolean).join(", ");
}

function PathRow({ path }: { path: Keyed }) {
  const since = number(path.observed, "since");
  const ways = waysOf(path);
  const current = ways.find((way) => way.number === number(path.observed, "way")) ?? null;
  return (
    <tr>
      <th scope="row">
        <Goal path={path} />
      </th>
      <td>{isOutside(path) ? "outside" : path.owner}</td>
      <td>
        <Value value={current && wayName(current)} />
      </td>
      <td>{since === null || !current ? <Value value={null} /> : <Ago at={new Date(since).toISOString()} />}</td>
      <td class="wrap">
        {ways.map((way) => (
          <span key={text(way, "number")} class="way" title={text(way, "cause") ?? undefined}>
            {wayName(way)} <State state={text(way, "state") ?? "unknown"} /> <span class="dim">{remarks(way)}</span>
          </span>
        ))}
      </td>
      <td class="wrap">
        <Value value={text(path.observed, "cause")} />
      </td>
    </tr>
  );
}

const COLUMNS: [string, boolean][] = [
  ["Path to", false], ["Segment", false], ["In use", false], ["Since", false], ["Ways", false], ["Cause", false],
];

export function Paths({ node, detail }: { node: string; detail: NodeDetail }) {
  const paths = [...entriesOf(detail, "path"), ...entriesOf(detail, "outside")];
  if (paths.length === 0) return null;
  return (
    <Section title="Paths">
      <Scroll label={`Paths of ${node}`}>
        <table class="table table-dense">
          <Columns columns={COLUMNS} />
          <tbody>
            {paths.map((path) => (
              <PathRow key={path.key} path={path} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
