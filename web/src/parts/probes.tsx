// What a node's probes find of its links: state and cause, round trip, jitter, loss, as they come.
import type { NodeDetail } from "../live/shapes";
import { entriesOf, number, sample, text, type Keyed } from "../model/entries";
import { count, share, span } from "../model/format";
import { linkPath, nodePath } from "../router";
import { State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Ago } from "./time";
import { Value } from "./value";

function Microseconds({ value }: { value: number | null }) {
  return (
    <td class="num">
      <Value value={value === null ? null : span(value)} />
    </td>
  );
}

function LinkRow({ node, link, detail }: { node: string; link: Keyed; detail: NodeDetail }) {
  const figure = (name: string) => sample(detail, link.key, name);
  const loss = figure("loss");
  const since = number(link.observed, "since");
  // An external link has a name, and an interface that another program made.
  const outside = link.peer ? null : detail.desired[`echo/${link.owner}`];
  return (
    <tr>
      <th scope="row">
        {link.peer ? (
          <a href={nodePath(link.peer)} data-view>
            {link.peer}
          </a>
        ) : (
          link.owner
        )}
      </th>
      <td>
        <a href={linkPath(node, link.key.slice("link/".length))} data-view aria-label={`Charts of the link ${link.peer ? "to " : ""}${link.peer || link.owner}`}>
          charts
        </a>
      </td>
      <td>{link.peer ? link.owner : <span class="mono">{`${text(outside, "device") ?? "?"} → ${text(outside, "target") ?? "?"}`}</span>}</td>
      <td title={text(link.observed, "cause") ?? undefined}>
        <State state={text(link.observed, "state") ?? "unknown"} />
      </td>
      <td>{since === null ? <Value value={null} /> : <Ago at={new Date(since).toISOString()} />}</td>
      <Microseconds value={figure("rtt_us")} />
      <Microseconds value={figure("jitter_us")} />
      <td class="num">
        <Value value={loss === null ? null : share(loss)} />
      </td>
      <Microseconds value={figure("forward_us")} />
      <Microseconds value={figure("back_us")} />
      {["sent", "lost", "late", "reordered", "duplicate"].map((name) => (
        <td key={name} class="num">
          <Value value={figure(name) === null ? null : count(figure(name) ?? 0)} />
        </td>
      ))}
      <td class="wrap">
        <Value value={text(link.observed, "cause")} />
      </td>
    </tr>
  );
}

const COLUMNS: [string, boolean][] = [
  ["Link to", false], ["History", false], ["Network, or interface and target", false], ["State", false], ["Since", false], ["Round trip", true], ["Jitter", true], ["Loss", true],
  ["Way there", true], ["Way back", true], ["Sent", true], ["Lost", true], ["Late", true], ["Reordered", true], ["Duplicates", true],
  ["Cause", false],
];

export function Probes({ node, detail }: { node: string; detail: NodeDetail }) {
  const links = entriesOf(detail, "link");
  if (links.length === 0) return null;
  return (
    <Section title="Links">
      <Scroll label={`Links of ${node}`}>
        <table class="table table-dense">
          <Columns columns={COLUMNS} />
          <tbody>
            {links.map((link) => (
              <LinkRow key={link.key} node={node} link={link} detail={detail} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
