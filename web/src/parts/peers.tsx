// A node's peers: who, where, how long since the handshake, how much.
import type { NodeDetail } from "../live/shapes";
import { entriesOf, number, sample, sampleRate, text, type Keyed } from "../model/entries";
import { bytes, duration, rate } from "../model/format";
import { nodePath } from "../router";
import { State } from "./mark";
import { Scroll, Section } from "./section";
import { Value } from "./value";

function PeerRow({ peer, detail }: { peer: Keyed; detail: NodeDetail }) {
  const age = sample(detail, peer.key, "handshake_age_s");
  const rx = sample(detail, peer.key, "rx_bytes");
  const tx = sample(detail, peer.key, "tx_bytes");
  const rxRate = sampleRate(detail, peer.key, "rx_bytes");
  const txRate = sampleRate(detail, peer.key, "tx_bytes");
  return (
    <tr>
      <th scope="row">
        <a href={nodePath(peer.peer)} data-view>
          {peer.peer}
        </a>
      </th>
      <td>{peer.owner}</td>
      <td>
        <State state={text(peer.observed, "state") ?? "unknown"} word={text(peer.observed, "state") ?? "not reported"} />
      </td>
      <td class="num">
        <Value value={age === null ? null : duration(age * 1000)} />
      </td>
      <td class="mono">
        <Value value={text(peer.observed, "endpoint")} />
      </td>
      <td class="num">
        <Value value={rxRate === null ? null : rate(rxRate)} />
      </td>
      <td class="num">
        <Value value={txRate === null ? null : rate(txRate)} />
      </td>
      <td class="num">
        <Value value={rx === null ? null : bytes(rx)} />
      </td>
      <td class="num">
        <Value value={tx === null ? null : bytes(tx)} />
      </td>
      <td class="num">
        <Value value={number(peer.observed, "path_mtu")} unit="B" />
      </td>
      <td>
        <Value value={text(peer.observed, "fragments")} />
      </td>
    </tr>
  );
}

const COLUMNS: [string, boolean][] = [
  ["Peer", false], ["Network", false], ["State", false], ["Handshake", true], ["Endpoint", false], ["Receives", true],
  ["Sends", true], ["Received", true], ["Sent", true], ["Path MTU", true], ["Fragments", false],
];

export function Columns({ columns }: { columns: [string, boolean][] }) {
  return (
    <thead>
      <tr>
        {columns.map(([word, isNumber]) => (
          <th key={word} scope="col" class={isNumber ? "num" : undefined}>
            {word}
          </th>
        ))}
      </tr>
    </thead>
  );
}

export function Peers({ node, detail }: { node: string; detail: NodeDetail }) {
  const peers = entriesOf(detail, "peer");
  if (peers.length === 0) return null;
  return (
    <Section title="Peers">
      <Scroll label={`Peers of ${node}`}>
        <table class="table table-dense">
          <Columns columns={COLUMNS} />
          <tbody>
            {peers.map((peer) => (
              <PeerRow key={peer.key} peer={peer} detail={detail} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
