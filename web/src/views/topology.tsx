// The fleet drawn: sites, nodes, links and how the trees of the segments run through them.
import cytoscape from "cytoscape";
import { useEffect, useRef, useState } from "preact/hooks";
import { useFleet } from "../live/use";
import { watchTopology } from "../live/fleet";
import { elementsOf, layoutOf } from "../model/graph";
import { Empty } from "../parts/empty";
import { graphStyle } from "../parts/graph-style";
import { GraphLegend, PortTable } from "../parts/graph-legend";
import { Section } from "../parts/section";
import { configPath, go, linkPath, nodePath } from "../router";
import { SegmentTree } from "../parts/segment-tree";

const NODES_MAX = 400;

interface Drawing {
  shape: string;
  elements: cytoscape.ElementDefinition[];
  layout: cytoscape.LayoutOptions;
  /** The pointer is over this link, or over none. */
  onPoint(id: string | null): void;
}

function useGraph({ shape, elements, layout, onPoint }: Drawing) {
  const box = useRef<HTMLDivElement>(null);
  const graph = useRef<cytoscape.Core | null>(null);
  useEffect(() => {
    if (!box.current) return undefined;
    const core = cytoscape({
      container: box.current, elements, layout, style: graphStyle(), minZoom: 0.2, maxZoom: 3, autoungrabify: false,
      boxSelectionEnabled: false,
    });
    core.on("tap", "node.host", (event) => go(nodePath(String(event.target.id()).replace(/^node:/, ""))));
    core.on("mouseover", "node.host", () => box.current?.classList.add("pointing"));
    core.on("mouseout", "node.host", () => box.current?.classList.remove("pointing"));
    // A link tells its figures under the pointer, and its charts are a click away.
    core.on("mouseover", "edge.link", (event) => onPoint(String(event.target.id())));
    core.on("mouseout", "edge.link", () => onPoint(null));
    core.on("tap", "edge.link", (event) => go(linkPath(String(event.target.data("node")), String(event.target.data("link")))));
    const repaint = () => core.style(graphStyle());
    const system = matchMedia("(prefers-color-scheme: dark)");
    const resize = new ResizeObserver(() => core.resize().fit(undefined, 36));
    resize.observe(box.current);
    addEventListener("weft-theme", repaint);
    system.addEventListener("change", repaint);
    graph.current = core;
    // Labels drawn before the font is there would keep another one.
    void document.fonts.ready.then(repaint);
    return () => {
      resize.disconnect();
      removeEventListener("weft-theme", repaint);
      system.removeEventListener("change", repaint);
      core.destroy();
      graph.current = null;
    };
  }, [shape]);
  useEffect(() => {
    graph.current?.batch(() => {
      for (const element of elements) {
        const known = graph.current?.getElementById(String(element.data.id));
        known?.data(element.data);
        if (element.classes !== undefined) known?.classes(element.classes as string);
      }
    });
  }, [elements]);
  return { box, graph };
}

export function TopologyView({ onAddNode }: { onAddNode(): void }) {
  const topology = useFleet((fleet) => fleet.topology);
  const [chosen, setChosen] = useState("");
  useEffect(watchTopology, []);
  const segments = topology?.segments.map((segment) => segment.name).sort() ?? [];
  const segment = segments.includes(chosen) ? chosen : (segments[0] ?? "");
  const elements = topology && topology.nodes.length <= NODES_MAX ? elementsOf(topology, segment) : [];
  // Only what comes or goes is laid out anew; a change of state just repaints.
  const shape = elements.map((element) => element.data.id).join(" ");
  const [pointed, setPointed] = useState<string | null>(null);
  const { box, graph } = useGraph({ shape, elements, layout: layoutOf(topology), onPoint: setPointed });
  const told = elements.find((element) => element.data.id === pointed)?.data.told as string | undefined;
  const zoom = (by: number) => graph.current?.zoom({ level: graph.current.zoom() * by, renderedPosition: middle(graph.current) });
  if (!topology) return <div class="page" aria-busy="true" />;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Topology</h1>
        <div class="filters">
          {segments.length > 1 && (
            <label>
              <span>Segment</span>
              <select value={segment} onChange={(event) => setChosen(event.currentTarget.value)}>
                {segments.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          )}
          {elements.length > 0 && (
            <div class="tabs" role="group" aria-label="Zoom">
              <button type="button" onClick={() => zoom(1.3)} aria-label="Larger">+</button>
              <button type="button" onClick={() => zoom(1 / 1.3)} aria-label="Smaller">−</button>
              <button type="button" onClick={() => graph.current?.fit(undefined, 36)}>Fit</button>
            </div>
          )}
        </div>
      </div>
      {topology.nodes.length === 0 && (
        <Empty title="There is nothing to draw yet.">
          <p>
            <button type="button" class="link" onClick={onAddNode}>Add a node</button>, then name it in a{" "}
            <a href={configPath("networks")} data-view>network</a>.
          </p>
        </Empty>
      )}
      {topology.nodes.length > NODES_MAX && (
        <Empty title={`${topology.nodes.length} nodes are too many to draw.`}>
          <p>
            <a href="/links" data-view>Links</a> lists what is not up.
          </p>
        </Empty>
      )}
      <div class="graph" ref={box} role="img" aria-label="Graph of nodes and links; the table below tells the same" hidden={elements.length === 0} />
      {elements.length > 0 && <p class="graph-told" role="status">{told ?? "Point at a link for its figures, click it for its charts."}</p>}
      {elements.length > 0 && <GraphLegend />}
      {segment && (
        <Section title={`Bridge ports of ${segment}`} note="what the drawing shows, as a table">
          <PortTable ports={topology.segments.find((each) => each.name === segment)?.ports ?? []} />
        </Section>
      )}
      {segment && <SegmentTree name={segment} />}
    </div>
  );
}

function middle(graph: cytoscape.Core): { x: number; y: number } {
  return { x: graph.width() / 2, y: graph.height() / 2 };
}
