// The interfaces that Weft keeps on a node, and what its rails have dropped.
import type { NodeDetail } from "../live/shapes";
import { addressesOn, entriesOf, number, sample, sampleRate, text, type Keyed } from "../model/entries";
import { bytes, count, rate } from "../model/format";
import { State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Value } from "./value";

const KINDS: [string, string][] = [
  ["wireguard", "WireGuard"],
  ["wire", "VXLAN wire"],
  ["bridge", "bridge"],
];

function purpose(entry: Keyed): string {
  return entry.peer ? `${entry.owner} to ${entry.peer}` : entry.owner;
}

function upState(entry: Keyed): string {
  if (!entry.observed) return "lagging";
  if (entry.observed.up === false) return "down";
  // A wire has probes of its own.
  return text(entry.observed, "state") === "down" ? "down" : "up";
}

function Row({ entry, word, detail }: { entry: Keyed; word: string; detail: NodeDetail }) {
  const device = text(entry.observed, "device") ?? text(entry.desired, "device");
  const rx = sampleRate(detail, entry.key, "rx_bytes");
  const tx = sampleRate(detail, entry.key, "tx_bytes");
  const total = sample(detail, entry.key, "rx_bytes");
  const drops = sample(detail, entry.key, "rx_drops");
  return (
    <tr>
      <th scope="row" class="mono">
        {device ?? "–"}
      </th>
      <td>{word}</td>
      <td>{purpose(entry)}</td>
      <td title={text(entry.observed, "cause") ?? undefined}>
        <State state={upState(entry)} word={entry.observed ? upState(entry) : "missing"} />
      </td>
      <td class="num">
        <Value value={number(entry.observed, "mtu") ?? number(entry.desired, "mtu")} unit="B" />
      </td>
      <td class="mono">
        <Value value={addressesOn(detail.desired, device).join(", ")} />
      </td>
      <td class="num">
        <Value value={number(entry.desired, "vni")} />
      </td>
      <td class="num">
        <Value value={rx === null ? null : rate(rx)} />
      </td>
      <td class="num">
        <Value value={tx === null ? null : rate(tx)} />
      </td>
      <td class="num">
        <Value value={total === null ? null : bytes(total)} />
      </td>
      <td class="num">
        <Value value={drops === null ? null : count(drops)} />
      </td>
    </tr>
  );
}

const COLUMNS: [string, boolean][] = [
  ["Interface", false], ["Kind", false], ["For", false], ["State", false], ["MTU", true], ["Addresses", false], ["VNI", true],
  ["Receives", true], ["Sends", true], ["Received", true], ["Dropped", true],
];

export function Interfaces({ detail }: { detail: NodeDetail }) {
  const rows = KINDS.flatMap(([kind, word]) => entriesOf(detail, kind).map((entry) => ({ entry, word })));
  if (rows.length === 0) return null;
  return (
    <Section title="Interfaces">
      <Scroll label="Interfaces">
        <table class="table table-dense">
          <Columns columns={COLUMNS} />
          <tbody>
            {rows.map(({ entry, word }) => (
              <Row key={entry.key} entry={entry} word={word} detail={detail} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

const COUNTERS: Record<string, string> = {
  spoof_in: "came in with a source its sender does not own",
  spoof_out: "would have left with a source this node does not own",
  vxlan_in: "VXLAN that belongs to no wire",
  vxlan_out: "VXLAN that would have left beside the tunnel",
  overlay_in: "came through a tunnel from outside its pools",
};

export function GuardCounters({ detail }: { detail: NodeDetail }) {
  const counters = detail.samples?.values["guard/counters"];
  if (!counters) return null;
  return (
    <Section title="Dropped by the rails">
      <Scroll label="Dropped by the rails">
        <table class="table table-narrow">
          <tbody>
            {Object.entries(counters).map(([name, value]) => (
              <tr key={name}>
                <th scope="row" class="mono">
                  {name}
                </th>
                <td>{COUNTERS[name] ?? ""}</td>
                <td class="num">
                  <Value value={count(value)} unit={value === 1 ? "packet" : "packets"} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
