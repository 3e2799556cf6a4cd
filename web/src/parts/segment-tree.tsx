// The tree of a bridge segment: its root, which wires are part of it and which are blocked, and how much longer its
// ways are than those over the nodes' own wires.
import { useEffect, useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { Tree } from "../api/schema";
import { wantSamples } from "../live/fleet";
import { nodePath } from "../router";
import { State } from "./mark";
import { Columns } from "./peers";
import { ProblemNote } from "./problem";
import { Scroll, Section } from "./section";
import { Value } from "./value";

const LOOK_MS = 2000;
/** A way so much longer than need be is marked. */
const LONG = 1.5;

function useTree(segment: string) {
  const [tree, setTree] = useState<Tree | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  useEffect(() => {
    let isOver = false;
    const look = async () => {
      try {
        const { body } = await call<Tree>("GET", `${resourcePath("segments", segment)}/tree`);
        if (isOver) return;
        setTree(body);
        setRefused(null);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!isOver) setRefused(error);
      }
    };
    // With samples the round trips are those of this second.
    const stop = wantSamples();
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
      stop();
    };
  }, [segment]);
  return { tree, refused };
}

function ms(value: number | null): string | null {
  return value === null ? null : value.toFixed(value < 10 ? 2 : 1);
}

function Line({ state }: { state: string }) {
  const isTree = state === "forwarding";
  return (
    <svg width="44" height="12" viewBox="0 0 44 12" aria-hidden="true" class={isTree ? "sign-good" : state === "down" ? "sign-bad" : "sign-dim"}>
      <path d="M2 6h40" stroke="currentColor" stroke-width={isTree ? 4 : 1.5} stroke-dasharray={isTree ? undefined : "5 4"} />
      {state === "blocked" && <path class="sign-ink" d="M22 0v12" stroke-width="3" />}
    </svg>
  );
}

const WIRE_COLUMNS: [string, boolean][] = [["Wire", false], ["", false], ["State", false], ["Blocked at", false], ["Cost", true], ["Round trip", true], ["Loss", true]];
const ORDER: Record<string, number> = { forwarding: 0, blocked: 1, down: 2, unknown: 3 };

function Wires({ tree, segment }: { tree: Tree; segment: string }) {
  const wires = tree.wires.slice().sort((x, y) => (ORDER[x.state] ?? 9) - (ORDER[y.state] ?? 9));
  return (
    <Scroll label={`Wires of ${segment}`}>
      <table class="table table-dense tree-wires">
        <Columns columns={WIRE_COLUMNS} />
        <tbody>
          {wires.map((wire) => (
            <tr key={`${wire.a} ${wire.b}`} class={`wire-${wire.state}`}>
              <th scope="row">
                {wire.a} – {wire.b}
              </th>
              <td>
                <Line state={wire.state} />
              </td>
              <td>
                <State state={wire.state === "blocked" ? "blocking" : wire.state} word={wire.state} />
              </td>
              <td>
                <Value value={wire.blocked_at} />
              </td>
              <td class="num">
                <Value value={wire.cost} />
              </td>
              <td class="num">
                <Value value={ms(wire.rtt_ms)} unit="ms" />
              </td>
              <td class="num">
                <Value value={(wire.loss * 100).toFixed(1)} unit="%" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const NODE_COLUMNS: [string, boolean][] = [["Node", false], ["Root port", false], ["Weight of the way to the root", true]];

function Nodes({ tree, segment }: { tree: Tree; segment: string }) {
  return (
    <Scroll label={`Root ports of ${segment}`}>
      <table class="table table-dense">
        <Columns columns={NODE_COLUMNS} />
        <tbody>
          {tree.nodes.map((node) => (
            <tr key={node.name}>
              <th scope="row">
                <a href={nodePath(node.name)} data-view>
                  {node.name}
                </a>
              </th>
              <td>{node.name === tree.root ? "none: it is the root" : <Value value={node.root_port && `to ${node.root_port}`} />}</td>
              <td class="num">
                <Value value={node.root_cost} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const PAIR_COLUMNS: [string, boolean][] = [["Pair", false], ["Way through the tree", false], ["Takes", true], ["Own wire", true], ["Stretch", true]];

function Pairs({ tree, segment }: { tree: Tree; segment: string }) {
  const pairs = tree.pairs.slice().sort((x, y) => (y.stretch ?? 0) - (x.stretch ?? 0));
  return (
    <Scroll label={`Stretch of ${segment}`}>
      <table class="table table-dense tree-pairs">
        <Columns columns={PAIR_COLUMNS} />
        <tbody>
          {pairs.map((pair) => (
            <tr key={`${pair.a} ${pair.b}`} data-pair={`${pair.a} ${pair.b}`}>
              <th scope="row">
                {pair.a} – {pair.b}
              </th>
              <td>{pair.path.length > 0 ? pair.path.join(" → ") : "none"}</td>
              <td class="num">
                <Value value={ms(pair.path_ms)} unit="ms" />
              </td>
              <td class="num">
                <Value value={ms(pair.direct_ms)} unit="ms" />
              </td>
              <td class="num">
                {pair.stretch !== null && pair.stretch >= LONG ? <strong>{pair.stretch.toFixed(2)}</strong> : <Value value={pair.stretch?.toFixed(2) ?? null} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function summary(tree: Tree): string {
  const blocked = tree.wires.filter((wire) => wire.state === "blocked").length;
  const tied = tree.wires.filter((wire) => wire.state === "forwarding").length;
  return `root ${tree.root ?? "not told"}, ${tied} wires in the tree, ${blocked} blocked`;
}

export function SegmentTree({ name }: { name: string }) {
  const { tree, refused } = useTree(name);
  if (refused) return <ProblemNote refused={refused} />;
  if (!tree) return null;
  return (
    <div class="segment-tree">
      <Section title="Tree" note={summary(tree)}>
        <Wires tree={tree} segment={name} />
      </Section>
      <Section title="Root ports">
        <Nodes tree={tree} segment={name} />
      </Section>
      <Section title="Stretch" note="how much longer the tree's way is than the pair's own wire, or than the best over any wires where it has none">
        <Pairs tree={tree} segment={name} />
      </Section>
    </div>
  );
}
