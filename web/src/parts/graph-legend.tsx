// What the signs of the graph mean, and the same as a table.
import type { TopologyPort } from "../live/shapes";
import { nodePath } from "../router";
import { State } from "./mark";
import { Scroll } from "./section";
import { Value } from "./value";

interface Sign {
  word: string;
  line: string;
  dash?: string;
  width: number;
  end?: "disc" | "tee" | "diamond";
}

const SIGNS: Sign[] = [
  { word: "forwarding: the tree runs here", line: "sign-good", width: 4, end: "disc" },
  { word: "port blocked against loops", line: "sign-line", width: 1.5, end: "tee" },
  { word: "port listening or learning", line: "sign-line", width: 1.5, end: "diamond" },
  { word: "link up, not in the tree", line: "sign-good", width: 1.5 },
  { word: "link degraded: its SLA is broken", line: "sign-warn-line", width: 1.5 },
  { word: "link down", line: "sign-bad", width: 2.5, dash: "6 4" },
  { word: "link unknown, off, or to a node that never joined", line: "sign-dim", width: 1.5, dash: "2 3" },
];

function Drawn({ sign }: { sign: Sign }) {
  return (
    <svg width="44" height="16" viewBox="0 0 44 16" aria-hidden="true" class={sign.line}>
      <path d="M2 8h36" stroke="currentColor" stroke-width={sign.width} stroke-dasharray={sign.dash} />
      {sign.end === "disc" && <circle cx="37" cy="8" r="5" fill="currentColor" />}
      {sign.end === "tee" && <path class="sign-ink" d="M38 1v14" stroke-width="3" />}
      {sign.end === "diamond" && <path class="sign-warn" d="M37 2.5 42 8l-5 5.5L32 8z" stroke-width="1.8" />}
    </svg>
  );
}

export function GraphLegend() {
  return (
    <ul class="legend">
      {SIGNS.map((sign) => (
        <li key={sign.word}>
          <Drawn sign={sign} /> {sign.word}
        </li>
      ))}
      <li>
        <span class="sign-double" aria-hidden="true" /> root of the tree
      </li>
    </ul>
  );
}

const ROLES: Record<string, number> = { root: 0, designated: 1, blocked: 2, disabled: 3 };

export function PortTable({ ports }: { ports: TopologyPort[] }) {
  const sorted = ports.slice().sort((a, b) => {
    if (a.node !== b.node) return a.node < b.node ? -1 : 1;
    return (ROLES[a.role ?? ""] ?? 9) - (ROLES[b.role ?? ""] ?? 9) || (a.peer < b.peer ? -1 : 1);
  });
  return (
    <Scroll label="Bridge ports">
      <table class="table table-narrow">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Port to</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col" class="num">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((port) => (
            <tr key={`${port.node} ${port.peer}`}>
              <th scope="row">
                <a href={nodePath(port.node)} data-view>
                  {port.node}
                </a>
              </th>
              <td>{port.peer}</td>
              <td>
                <Value value={port.role} />
              </td>
              <td>
                <State state={port.state ?? "unknown"} />
              </td>
              <td class="num">
                <Value value={port.cost} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
