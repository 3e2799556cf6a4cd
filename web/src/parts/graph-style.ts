// How the graph looks, in the page's own colours.
import type { NodeSingular, StylesheetJson } from "cytoscape";

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const FONT = "IBM Plex Sans, sans-serif";
const LABEL_PX = 14;
const pen = document.createElement("canvas").getContext("2d");

// A box as wide as the longest line of its label.
function labelWidth(node: NodeSingular): number {
  if (!pen) return 80;
  pen.font = `600 ${LABEL_PX}px ${FONT}`;
  const lines = String(node.data("label")).split("\n");
  return Math.ceil(Math.max(...lines.map((line) => pen.measureText(line).width)));
}

function labelHeight(node: NodeSingular): number {
  return String(node.data("label")).split("\n").length * LABEL_PX * 1.25;
}

export function graphStyle(): StylesheetJson {
  const ink = colour("ink");
  const dim = colour("ink-dim");
  const paper = colour("paper");
  const line = colour("line-strong");
  const good = colour("good");
  const warn = colour("warn");
  const bad = colour("bad");
  const accent = colour("accent");
  return [
    {
      selector: "node.host",
      style: {
        shape: "round-rectangle", width: labelWidth, height: labelHeight, padding: "11px", "background-color": paper, "border-width": 2,
        "border-color": good, label: "data(label)", color: ink, "font-family": FONT, "font-size": LABEL_PX, "font-weight": 600,
        "text-valign": "center", "text-halign": "center", "text-wrap": "wrap", "line-height": 1.25,
      },
    },
    { selector: "node.health-lagging", style: { "border-color": warn, "border-width": 3 } },
    { selector: "node.health-error", style: { "border-color": bad, "border-width": 4 } },
    { selector: "node.health-offline", style: { "border-color": bad, "border-width": 3, "border-style": "dashed", color: dim } },
    { selector: "node.health-never", style: { "border-color": dim, "border-style": "dotted", color: dim } },
    { selector: "node.root", style: { "border-style": "double", "border-width": 6 } },
    {
      selector: "node.site",
      style: {
        "background-color": accent, "background-opacity": 0.06, "border-width": 1, "border-color": line, shape: "round-rectangle",
        label: "data(label)", color: dim, "font-family": FONT, "font-size": 12, "text-valign": "top", "text-halign": "center",
        "text-margin-y": -4, padding: "16px",
      },
    },
    {
      selector: "edge.link",
      style: {
        width: 1.5, "line-color": line, "curve-style": "bezier", label: "data(label)", color: ink, "font-family": FONT,
        "font-size": 12, "text-background-color": paper, "text-background-opacity": 1, "text-background-padding": "3px",
        "arrow-scale": 1.3, "target-endpoint": "outside-to-node", "source-endpoint": "outside-to-node",
        "target-distance-from-node": 3, "source-distance-from-node": 3,
      },
    },
    { selector: "edge.tree", style: { width: 4, "line-color": good } },
    { selector: "edge.link-up", style: { "line-color": good } },
    { selector: "edge.link-degraded", style: { "line-color": warn } },
    { selector: "edge.link-down", style: { "line-style": "dashed", "line-color": bad, width: 2.5 } },
    { selector: "edge.link-unknown", style: { "line-style": "dotted", "line-color": dim } },
    { selector: "edge.link-never", style: { "line-style": "dotted", "line-color": dim } },
    { selector: "edge.link-disabled", style: { "line-style": "dotted", "line-color": line } },
    { selector: "edge.source-forwarding", style: { "source-arrow-shape": "circle", "source-arrow-color": good } },
    { selector: "edge.target-forwarding", style: { "target-arrow-shape": "circle", "target-arrow-color": good } },
    { selector: "edge.source-learning", style: { "source-arrow-shape": "diamond", "source-arrow-color": warn, "source-arrow-fill": "hollow" } },
    { selector: "edge.target-learning", style: { "target-arrow-shape": "diamond", "target-arrow-color": warn, "target-arrow-fill": "hollow" } },
    { selector: "edge.source-blocked", style: { "source-arrow-shape": "tee", "source-arrow-color": ink } },
    { selector: "edge.target-blocked", style: { "target-arrow-shape": "tee", "target-arrow-color": ink } },
  ] as unknown as StylesheetJson;
}
