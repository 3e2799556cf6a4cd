// Every node against every other: which link is up, which is not.
import { useEffect, useState } from "preact/hooks";
import { useFleet } from "../live/use";
import { watchTopology } from "../live/fleet";
import type { FleetTopology, TopologyLink } from "../live/shapes";
import { plural, share, span } from "../model/format";
import { figuresOf, tally } from "../model/links";
import { Empty } from "../parts/empty";
import { Mark, State } from "../parts/mark";
import { Scroll, Section } from "../parts/section";
import { configPath, linkPath, nodePath } from "../router";

// A table of more nodes than this cannot be read, nor drawn fast.
const TABLE_MAX = 60;

const WORDS: Record<string, string> = { disabled: "off", unknown: "?" };

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function Cell({ a, b, link }: { a: string; b: string; link: TopologyLink | undefined }) {
  if (a === b) return <td class="cell cell-self" aria-label="the node itself" />;
  if (!link)
    return (
      <td class="cell cell-none" title={`${a} and ${b} have no link of their own`}>
        <span class="hidden">no link</span>
        <span aria-hidden="true">·</span>
      </td>
    );
  const figures = figuresOf(link);
  return (
    <td class={`cell cell-${link.state}`} title={`${a} – ${b} in ${link.network}: ${link.state}${figures && `, ${figures}`}`}>
      <a href={linkPath(a, `${link.network}/${b}`)} data-view aria-label={`Charts of ${a} to ${b}: ${link.state}${figures && `, ${figures}`}`}>
        <Mark state={link.state} />
        <span>{WORDS[link.state] ?? link.state}</span>
        {typeof link.rtt_us === "number" && <span class="cell-figure">{span(link.rtt_us)}</span>}
        {!!link.loss && <span class="cell-figure">{share(link.loss)} lost</span>}
      </a>
    </td>
  );
}

function Grid({ names, links, health }: { names: string[]; links: TopologyLink[]; health: Map<string, string> }) {
  const byPair = new Map(links.map((link) => [pairKey(link.a, link.b), link]));
  return (
    <Scroll label="Link matrix">
      <table class="matrix">
        <thead>
          <tr>
            <th />
            {names.map((name) => (
              <th key={name} scope="col">
                <span>{name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((a) => (
            <tr key={a}>
              <th scope="row">
                <Mark state={health.get(a) ?? "unknown"} />
                <a href={nodePath(a)} data-view>
                  {a}
                </a>
              </th>
              {names.map((b) => (
                <Cell key={b} a={a} b={b} link={byPair.get(pairKey(a, b))} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Broken({ links }: { links: TopologyLink[] }) {
  const bad = links.filter((link) => link.state !== "up" && link.state !== "disabled");
  return (
    <Scroll label="Links that are not up">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Link</th>
            <th scope="col">State</th>
            <th scope="col">Figures</th>
          </tr>
        </thead>
        <tbody>
          {bad.slice(0, 500).map((link) => (
            <tr key={pairKey(link.a, link.b)}>
              <th scope="row">
                <a href={nodePath(link.a)} data-view>{link.a}</a> – <a href={nodePath(link.b)} data-view>{link.b}</a>
              </th>
              <td>
                <State state={link.state} />
              </td>
              <td>{figuresOf(link)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Legend() {
  return (
    <ul class="legend">
      <li><State state="up" word="up: its probes come back" /></li>
      <li><State state="degraded" word="degraded: they do, but its SLA is broken" /></li>
      <li><State state="down" word="down: an end's probes are lost" /></li>
      <li><State state="unknown" word="unknown: no end is connected to tell" /></li>
      <li><State state="never" word="never: an end has not joined yet" /></li>
      <li><State state="disabled" word="off: disabled by an override" /></li>
    </ul>
  );
}

function External({ links }: { links: FleetTopology["external"] }) {
  if (links.length === 0) return null;
  return (
    <Section title="External links" note={plural(links.length, "link")}>
      <Scroll label="External links">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Link</th>
              <th scope="col">At</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {links.map((link) => (
              <tr key={`${link.node} ${link.name}`}>
                <th scope="row">
                  <a href={linkPath(link.node, link.name)} data-view>
                    {link.name}
                  </a>
                </th>
                <td>
                  <a href={nodePath(link.node)} data-view>
                    {link.node}
                  </a>
                </td>
                <td>
                  <State state={link.state} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

export function networksOf(topology: FleetTopology): string[] {
  return [...new Set(topology.links.map((link) => link.network))].sort();
}

export function Matrix({ onAddNode }: { onAddNode(): void }) {
  const topology = useFleet((fleet) => fleet.topology);
  const [chosen, setChosen] = useState("");
  useEffect(watchTopology, []);
  if (!topology) return <div class="page" aria-busy="true" />;
  const networks = networksOf(topology);
  const network = networks.includes(chosen) ? chosen : (networks[0] ?? "");
  const links = topology.links.filter((link) => link.network === network);
  const members = new Set(links.flatMap((link) => [link.a, link.b]));
  const names = [...members].sort();
  const [up, wanted] = tally(links);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Links</h1>
        {networks.length > 1 && (
          <label class="filters">
            <span>Network</span>
            <select value={network} onChange={(event) => setChosen(event.currentTarget.value)}>
              {networks.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {links.length === 0 ? (
        <Empty title="No node reports a link yet.">
          <p>
            Links come from a <a href={configPath("networks")} data-view>network</a> that names at least two nodes, once these have{" "}
            <button type="button" class="link" onClick={onAddNode}>joined</button>.
          </p>
        </Empty>
      ) : (
        <>
          <p class="note">
            {up} of {plural(wanted, "link")} of <a href={configPath("networks", network)} data-view>{network}</a> {wanted === 1 ? "is" : "are"} up.
          </p>
          {names.length <= TABLE_MAX ? (
            <Grid names={names} links={links} health={new Map(topology.nodes.map((node) => [node.name, node.health]))} />
          ) : (
            <Broken links={links} />
          )}
          <Legend />
        </>
      )}
      <External links={topology.external} />
    </div>
  );
}
