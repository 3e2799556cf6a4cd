// What may be written in a spec, as the API's own description says.
import type { Field } from "../api/fields";

// Backticks in the descriptions mark code.
function Prose({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function FieldHelp({ about, fields }: { about: string; fields: Field[] }) {
  return (
    <details class="fold fields">
      <summary>Fields</summary>
      <p class="dim">{about}</p>
      <dl>
        {fields.map((field) => (
          <div key={field.name}>
            <dt>
              <code>{field.name}</code> <span class="dim">{field.type}</span>
              {field.required && <strong> required</strong>}
            </dt>
            <dd>
              <Prose text={field.text} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
