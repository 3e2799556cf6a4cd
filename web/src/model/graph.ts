// The topology as elements of a graph. Health, link state and port states go along as data; the style draws them.
import type { ElementDefinition, LayoutOptions } from "cytoscape";
import type { FleetTopology, TopologyLink, TopologyPort } from "../live/shapes";
import { figuresOf } from "./links";

type Ports = Map<string, TopologyPort>;

function portsOf(topology: FleetTopology, segment: string): Ports {
  const found = topology.segments.find((each) => each.name === segment);
  return new Map((found?.ports ?? []).map((port) => [`${port.node} ${port.peer}`, port]));
}

// The bridge whose every port is designated is the root of the tree.
function rootOf(ports: Ports): string | null {
  const byNode = new Map<string, TopologyPort[]>();
  for (const port of ports.values()) byNode.set(port.node, [...(byNode.get(port.node) ?? []), port]);
  for (const [node, own] of byNode) if (own.every((port) => port.role === "designated")) return node;
  return null;
}

function siteElements(topology: FleetTopology): ElementDefinition[] {
  const counts = new Map<string, number>();
  for (const node of topology.nodes) if (node.site) counts.set(node.site, (counts.get(node.site) ?? 0) + 1);
  return [...counts.keys()].map((site) => ({ data: { id: `site:${site}`, label: site }, classes: "site" }));
}

const HEALTH_SIGNS: Record<string, string> = { ok: "", lagging: "▲ ", error: "✕ ", offline: "○ ", never: "… " };

function hostElement(node: FleetTopology["nodes"][number], isRoot: boolean): ElementDefinition {
  const label = `${HEALTH_SIGNS[node.health] ?? ""}${node.name}${isRoot ? "\nroot" : ""}`;
  return {
    data: { id: `node:${node.name}`, label, ...(node.site ? { parent: `site:${node.site}` } : {}) },
    classes: `host health-${node.health}${isRoot ? " root" : ""}`,
  };
}

function end(port: TopologyPort | undefined): string {
  if (!port) return "none";
  if (port.state === "forwarding") return "forwarding";
  return port.state === "listening" || port.state === "learning" ? "learning" : "blocked";
}

const LINK_SIGNS: Record<string, string> = { up: "", degraded: "▲ degraded", down: "✕ down", unknown: "?", never: "… never", disabled: "off" };

function linkElement(link: TopologyLink, ports: Ports): ElementDefinition {
  const source = end(ports.get(`${link.a} ${link.b}`));
  const target = end(ports.get(`${link.b} ${link.a}`));
  const isTree = source === "forwarding" && target === "forwarding";
  return {
    data: {
      id: `link:${link.network}:${link.a}:${link.b}`, source: `node:${link.a}`, target: `node:${link.b}`,
      label: LINK_SIGNS[link.state] ?? link.state, link: `${link.network}/${link.b}`, node: link.a,
      told: [`${link.a} – ${link.b} in ${link.network}: ${link.state}`, figuresOf(link)].filter(Boolean).join(", "),
    },
    classes: `link link-${link.state} source-${source} target-${target}${isTree ? " tree" : ""}`,
  };
}

export function elementsOf(topology: FleetTopology, segment: string): ElementDefinition[] {
  const ports = portsOf(topology, segment);
  const root = rootOf(ports);
  const names = new Set(topology.nodes.map((node) => node.name));
  const links = topology.links.filter((link) => names.has(link.a) && names.has(link.b));
  const nodes = topology.nodes.slice().sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    ...siteElements(topology),
    ...nodes.map((node) => hostElement(node, node.name === root)),
    ...links.map((link) => linkElement(link, ports)),
  ];
}

export function layoutOf(topology: FleetTopology | null): LayoutOptions {
  const nodes = topology?.nodes ?? [];
  const at = new Map(nodes.map((node) => [`node:${node.name}`, node.location]));
  const isMapped = nodes.length > 1 && nodes.every((node) => node.location);
  if (isMapped)
    return {
      name: "preset", padding: 36,
      positions: (node: { id(): string }) => {
        const place = at.get(node.id());
        return { x: (place?.lon ?? 0) * 12, y: -(place?.lat ?? 0) * 16 };
      },
    } as unknown as LayoutOptions;
  if (nodes.length <= 16) return { name: "circle", padding: 36, startAngle: -Math.PI / 2, spacingFactor: 1.1 } as LayoutOptions;
  return { name: "cose", padding: 36, animate: false, randomize: true, nodeRepulsion: () => 9000 } as LayoutOptions;
}
