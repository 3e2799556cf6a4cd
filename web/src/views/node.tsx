// One node: who it is, what it has, what it should have, and what is wrong with it.
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { useFleet } from "../live/use";
import { watchNode } from "../live/fleet";
import type { NodeDetail, NodeState } from "../live/shapes";
import { number, text } from "../model/entries";
import { duration, plural } from "../model/format";
import { Bridges } from "../parts/bridges";
import { Confirm } from "../parts/dialog";
import { Doctor } from "../parts/doctor";
import { Empty } from "../parts/empty";
import { Entries } from "../parts/entries";
import { EventList } from "../parts/events";
import { Findings } from "../parts/findings";
import { GuardCounters, Interfaces } from "../parts/interfaces";
import { Drained, State } from "../parts/mark";
import { Paths } from "../parts/paths";
import { Peers } from "../parts/peers";
import { Probes } from "../parts/probes";
import { ApproveButton, usePending } from "../parts/pending";
import { Ping } from "../parts/ping";
import { Scroll, Section } from "../parts/section";
import { Ago, Since } from "../parts/time";
import { Value } from "../parts/value";
import { configPath } from "../router";
import { useMay } from "../session";

function Fact({ word, children }: { word: string; children: preact.ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Session({ node }: { node: NodeState }) {
  return (
    <>
      {node.connected ? "connected" : "offline"} for <Since at={node.since} />
      {node.address && <span class="dim"> from {node.address}</span>}
    </>
  );
}

function Facts({ node, detail }: { node: NodeState; detail: NodeDetail | null }) {
  const self = detail?.entries["node/self"];
  const samples = detail?.samples?.values["node/self"];
  const addresses = Array.isArray(self?.addresses) ? (self.addresses as string[]) : [];
  return (
    <dl class="facts">
      <Fact word="Uplink">
        <Session node={node} />
      </Fact>
      <Fact word="Revision">
        {node.applied} applied of {node.target}
        {node.lag > 0 && <strong> · lags by {plural(node.lag, "revision")}</strong>}
      </Fact>
      <Fact word="WireGuard">
        <Value value={text(self, "wireguard")} />
      </Fact>
      <Fact word="Agent">
        <Value value={node.version ?? text(self, "version")} />
      </Fact>
      <Fact word="Host">
        <Value value={text(self, "hostname")} /> <span class="dim">{text(self, "kernel")}</span>
      </Fact>
      <Fact word="Identity">
        {node.id} <span class="dim">site {node.site ?? "of its own"}</span>
      </Fact>
      <Fact word="Addresses">
        <span class="mono">
          <Value value={addresses.join(", ")} />
        </span>
      </Fact>
      <Fact word="Checksum offload">
        <Value value={text(self, "csum_offload")} />
      </Fact>
      {samples && (
        <Fact word="Agent process">
          {samples.rss_kb !== undefined && `${(samples.rss_kb / 1024).toFixed(1)} MB`}
          {samples.uptime_s !== undefined && `, up ${duration(samples.uptime_s * 1000)}`}
        </Fact>
      )}
      <Fact word="Kernel writes">
        <Value value={number(samples, "writes_total")} /> <span class="dim">{node.writes} for this revision</span>
      </Fact>
    </dl>
  );
}

function Errors({ node }: { node: NodeState }) {
  if (node.errors.length === 0) return null;
  const hidden = node.errors_total - node.errors.length;
  return (
    <Section title="Errors" note={plural(node.errors_total, "entry", "entries")}>
      <Scroll label="Errors">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Entry</th>
              <th scope="col">What is wrong</th>
              <th scope="col">Blocked by</th>
            </tr>
          </thead>
          <tbody>
            {node.errors.map((error) => (
              <tr key={error.entry}>
                <th scope="row" class="mono">
                  {error.entry}
                </th>
                <td class="why">{error.text}</td>
                <td class="mono">
                  <Value value={error.blocked_by} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {hidden > 0 && <p class="dim">and {hidden} more</p>}
    </Section>
  );
}

type Ask = "" | "ping" | "doctor" | "revoke";

function Actions({ node }: { node: NodeState }) {
  const [ask, setAsk] = useState<Ask>("");
  const mayNetwork = useMay("network");
  const mayAdmin = useMay("admin");
  const close = () => setAsk("");
  const revoke = async () => {
    await call("POST", `/api/v1/nodes/${encodeURIComponent(node.name)}/revoke`);
    close();
  };
  const pending = usePending(node.name);
  return (
    <div class="actions">
      {pending && <ApproveButton host={pending} />}
      {mayNetwork && (
        <button type="button" disabled={!node.connected} onClick={() => setAsk("ping")}>
          Ping
        </button>
      )}
      {mayNetwork && (
        <button type="button" disabled={!node.connected} onClick={() => setAsk("doctor")}>
          Doctor
        </button>
      )}
      <a class="button" href={configPath("nodes", node.name)} data-view>
        Configuration
      </a>
      {mayAdmin && (
        <button type="button" class="danger" onClick={() => setAsk("revoke")}>
          Revoke
        </button>
      )}
      {ask === "ping" && <Ping from={node.name} onClose={close} />}
      {ask === "doctor" && <Doctor node={node.name} onClose={close} />}
      {ask === "revoke" && (
        <Confirm isDanger title={`Revoke ${node.name}?`} action="Revoke" onConfirm={revoke} onClose={close}>
          <p>
            Its certificates stop working and its session ends at once. The host keeps its last good state, and can only come back
            with a new enrolment key. To remove the node entirely, delete it in its configuration.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function NoSuchNode({ name }: { name: string }) {
  return (
    <div class="page">
      <h1>{name}</h1>
      <Empty title={`There is no node ${name}.`}>
        <p>
          It may have been renamed or deleted: see the <a href="/history" data-view>history</a>.
        </p>
      </Empty>
    </div>
  );
}

function Parts({ node, detail }: { node: NodeState; detail: NodeDetail }) {
  const isBare = Object.keys(detail.entries).length === 0 && Object.keys(detail.desired).length === 0;
  if (isBare)
    return (
      <Empty title={node.connected ? "It has nothing to do yet." : "It has not reported anything."}>
        <p>
          Name it in a <a href={configPath("networks")} data-view>network</a> to link it to others
          {node.health === "never" && ", and run its join line on the host (Add node shows a new one)"}.
        </p>
      </Empty>
    );
  return (
    <>
      <Findings detail={detail} />
      <Probes node={node.name} detail={detail} />
      <Paths node={node.name} detail={detail} />
      <Peers node={node.name} detail={detail} />
      <Bridges detail={detail} />
      <Interfaces detail={detail} />
      <GuardCounters detail={detail} />
      <Entries detail={detail} errors={node.errors} />
    </>
  );
}

export function NodePage({ name }: { name: string }) {
  const state = useFleet((fleet) => fleet.state);
  const detail = useFleet((fleet) => fleet.details[name] ?? null);
  const node = state?.nodes.find((each) => each.name === name) ?? null;
  useEffect(() => watchNode(name), [name]);
  if (!state) return <div class="page" aria-busy="true" />;
  if (!node) return <NoSuchNode name={name} />;
  return (
    <div class="page">
      <p class="crumb">
        <a href="/" data-view>
          Nodes
        </a>
      </p>
      <div class="page-head">
        <h1>
          {name} <State state={node.health} /> <Drained is={node.drained} />
        </h1>
        <Actions node={node} />
      </div>
      {node.reason && node.health !== "never" && <p class={`note note-${node.health}`}>{node.reason}</p>}
      {node.health === "offline" && (
        <p class="note">
          What follows is what it told last, <Ago at={node.since} />; its agent goes on with that as long as the host runs.
        </p>
      )}
      {node.health !== "never" && <Facts node={node} detail={detail} />}
      <Errors node={node} />
      {detail ? <Parts node={node} detail={detail} /> : <div class="waiting" aria-busy="true" />}
      <Section title="Events" note={<a href={`/log?node=${encodeURIComponent(name)}`} data-view>All of {name}</a>}>
        <EventList limit={10} node={name} />
      </Section>
    </div>
  );
}
