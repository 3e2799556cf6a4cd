// What an edit would change: fields of resources, entries on nodes.
import type { ApplyResult, NodeChange } from "../api/schema";
import { plural } from "../model/format";
import { FieldDiff } from "./diff";

const SIGNS = [
  { field: "set", sign: "+", action: "create", word: "new" },
  { field: "changed", sign: "~", action: "update", word: "changed" },
  { field: "drop", sign: "−", action: "delete", word: "dropped" },
] as const;

function NodePlan({ node }: { node: NodeChange }) {
  const told = SIGNS.filter(({ field }) => node[field].length > 0);
  const all = told.reduce((sum, { field }) => sum + node[field].length, 0);
  return (
    <details class="fold">
      <summary>
        <strong>{node.name}</strong>: {told.map(({ field, word }) => `${node[field].length} ${word}`).join(", ")}{" "}
        {all === 1 ? "entry" : "entries"}
      </summary>
      <ul class="plan-keys">
        {told.flatMap(({ field, sign, action, word }) =>
          node[field].map((key) => (
            <li key={`${field} ${key}`}>
              <span class={`sign sign-${action}`} aria-label={word}>
                {sign}
              </span>{" "}
              <code>{key}</code>
            </li>
          )),
        )}
      </ul>
    </details>
  );
}

function byName(nodes: NodeChange[]): NodeChange[] {
  return nodes.slice().sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function PlanNote({ plan }: { plan: ApplyResult }) {
  const changes = plan.changes.filter((change) => change.action !== "none");
  if (changes.length === 0)
    return (
      <p class="note" role="status">
        Nothing would change.
      </p>
    );
  return (
    <div class="plan" role="status">
      {changes.map((change) => (
        <div key={`${change.kind}/${change.name}`}>
          <p>
            Would {change.action} {change.kind}/{change.name}.
          </p>
          <FieldDiff fields={change.fields ?? []} />
        </div>
      ))}
      {plan.nodes.length === 0 ? (
        <p>No node would be touched.</p>
      ) : (
        <div>
          <p>{plural(plan.nodes.length, "node")} would be touched:</p>
          {byName(plan.nodes).map((node) => (
            <NodePlan key={node.name} node={node} />
          ))}
        </div>
      )}
    </div>
  );
}
