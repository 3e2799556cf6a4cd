// Fields before and after: the signs tell it, the colours only help.
import type { FieldChange } from "../api/schema";

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function FieldDiff({ fields }: { fields: FieldChange[] }) {
  return (
    <dl class="diff">
      {fields.map((field) => (
        <div key={field.path} class="diff-row">
          <dt>{field.path || "(all)"}</dt>
          {field.before !== undefined && field.before !== null && (
            <dd class="diff-before">
              <span aria-label="before">−</span> {shown(field.before)}
            </dd>
          )}
          {field.after !== undefined && field.after !== null && (
            <dd class="diff-after">
              <span aria-label="after">+</span> {shown(field.after)}
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}
