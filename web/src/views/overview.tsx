// All nodes at a glance, and what happened last.
import { useFleet } from "../live/use";
import type { FleetState, FleetTopology, NodeState } from "../live/shapes";
import { count, plural } from "../model/format";
import { tally } from "../model/links";
import { Empty } from "../parts/empty";
import { EventList } from "../parts/events";
import { HaGroups } from "../parts/groups";
import { PendingHosts } from "../parts/pending";
import { Drained, Mark, State } from "../parts/mark";
import { Scroll, Section } from "../parts/section";
import { Ago, Since } from "../parts/time";
import { configPath, nodePath } from "../router";
import { useMay } from "../session";

const ORDER = { error: 0, offline: 1, lagging: 2, never: 3, ok: 4 };

function Figure({ value, of, word, state }: { value: number; of?: number; word: string; state: string }) {
  return (
    <div class="figure">
      <div class="figure-value">
        <Mark state={state} />
        {count(value)}
        {of !== undefined && <span class="figure-of"> / {count(of)}</span>}
      </div>
      <div class="figure-word">{word}</div>
    </div>
  );
}

function blockedCount(topology: FleetTopology): number {
  return topology.segments.reduce((sum, segment) => sum + segment.ports.filter((port) => port.state === "blocking").length, 0);
}

function Figures({ state, topology }: { state: FleetState; topology: FleetTopology | null }) {
  const { counts, nodes } = state;
  const connected = nodes.filter((node) => node.connected).length;
  const away = nodes.some((node) => node.health === "offline");
  const missing = away ? "offline" : "never";
  const behind = nodes.filter((node) => node.connected && node.health !== "ok").length;
  const up = counts.links_up ?? 0;
  const links = topology ? tally(topology.links)[1] : up + (counts.links_down ?? 0);
  return (
    <div class="figures">
      <Figure value={connected} of={nodes.length} word="nodes connected" state={connected === nodes.length ? "ok" : missing} />
      <Figure value={up} of={links} word="links up" state={up === links ? "ok" : "down"} />
      <Figure value={behind} word="nodes lagging or failing" state={behind === 0 ? "ok" : "lagging"} />
      {topology && <Figure value={blockedCount(topology)} word="bridge ports blocked against loops" state="blocking" />}
      <Figure value={state.revision} word="revision" state="info" />
    </div>
  );
}

function why(node: NodeState): string {
  const first = node.errors[0];
  if (node.health === "error" && first) {
    const more = node.errors_total - 1;
    return `${first.entry}: ${first.text}${more > 0 ? ` (and ${more} more)` : ""}`;
  }
  return node.health === "ok" ? "" : node.reason;
}

function NodeRow({ node }: { node: NodeState }) {
  return (
    <tr>
      <th scope="row">
        <a href={nodePath(node.name)} data-view>
          {node.name}
        </a>
      </th>
      <td>
        <State state={node.health} /> <Drained is={node.drained} />
      </td>
      <td class="num wide-only">
        {node.applied} <span class="dim">of {node.target}</span>
      </td>
      <td class="num lag">{node.lag > 0 ? plural(node.lag, "revision") : <span class="dim">0</span>}</td>
      <td class="why">{why(node)}</td>
      <td>
        {node.health === "never" ? (
          <span class="dim">–</span>
        ) : (
          <>
            {node.connected ? "connected " : "gone "}
            <Since at={node.since} />
          </>
        )}
      </td>
      <td class="mono wide-only">{node.address ?? <span class="dim">–</span>}</td>
      <td class="wide-only">{node.site ?? <span class="dim">–</span>}</td>
    </tr>
  );
}

function Nodes({ nodes }: { nodes: NodeState[] }) {
  const sorted = nodes.slice().sort((a, b) => ORDER[a.health] - ORDER[b.health] || (a.name < b.name ? -1 : 1));
  return (
    <Scroll label="Nodes">
      <table class="table nodes">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Health</th>
            <th scope="col" class="num">
              Applied
            </th>
            <th scope="col" class="num">
              Lag
            </th>
            <th scope="col">Why</th>
            <th scope="col">Session</th>
            <th scope="col">Address</th>
            <th scope="col">Site</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((node) => (
            <NodeRow key={node.id} node={node} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function FirstSteps({ onAddNode }: { onAddNode(): void }) {
  const mayAdd = useMay("admin");
  return (
    <Empty title="No node has been added yet.">
      <ol>
        <li>
          {mayAdd ? (
            <button type="button" class="link" onClick={onAddNode}>
              Add a node
            </button>
          ) : (
            "Have an administrator add a node"
          )}{" "}
          and run the line it shows on the host.
        </li>
        <li>
          Put the nodes into a <a href={configPath("networks")} data-view>network</a>, then a{" "}
          <a href={configPath("segments")} data-view>segment</a> over it.
        </li>
      </ol>
      <p>
        Or write one file and run <code>weft apply -f fleet.yaml</code>.
      </p>
    </Empty>
  );
}

function NoNetworks() {
  return (
    <p class="note">
      No network connects these nodes yet. <a href={configPath("networks")} data-view>Make one</a>: its <code>mesh</code> lists the
      nodes that are linked to each other.
    </p>
  );
}

export function Overview({ onAddNode }: { onAddNode(): void }) {
  const state = useFleet((fleet) => fleet.state);
  const topology = useFleet((fleet) => fleet.topology);
  if (!state) return <div class="page" aria-busy="true" />;
  const isEmpty = state.nodes.length === 0;
  return (
    <div class="page">
      <h1 class="hidden">Overview</h1>
      {isEmpty ? <FirstSteps onAddNode={onAddNode} /> : <Figures state={state} topology={topology} />}
      {!isEmpty && (state.counts.networks ?? 0) === 0 && <NoNetworks />}
      <PendingHosts />
      {!isEmpty && (
        <Section title="Nodes" note="Those in trouble first">
          <Nodes nodes={state.nodes} />
        </Section>
      )}
      <HaGroups groups={state.ha_groups} />
      <Section title="Events" note={<a href="/log" data-view>All events</a>}>
        <EventList limit={12} />
      </Section>
      <p class="dim small foot">
        Controller {state.version} · {state.controller} · state of <Ago at={state.now} /> · <a href="/docs">API reference</a>
      </p>
    </div>
  );
}
