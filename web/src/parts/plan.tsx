// What an edit would change: fields of resources, entries on nodes.
import type { ApplyResult } from "../api/schema";
import { plural } from "../model/format";
import { FieldDiff } from "./diff";

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
        <ul>
          {plan.nodes.map((node) => (
            <li key={node.name}>
              <strong>{node.name}</strong>: {plural(node.set.length, "entry", "entries")} set, {node.drop.length} dropped
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
