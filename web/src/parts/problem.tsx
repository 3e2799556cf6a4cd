// What the controller refused, field by field.
import type { Refused } from "../api/client";

export function ProblemNote({ refused }: { refused: Refused }) {
  // With one bad field the sentence names it already.
  const isTold = refused.fields.every((field) => refused.message.includes(field.field) && refused.message.includes(field.text));
  return (
    <div class="problem" role="alert">
      {(isTold || refused.fields.length === 0) && <p>{refused.message}</p>}
      {!isTold && (
        <ul>
          {refused.fields.map((field) => (
            <li key={field.field + field.text}>
              <code>{field.field}</code>: {field.text}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
