// Every entry of a node: what is wanted beside what is seen.
import { useState } from "preact/hooks";
import type { EntryError } from "../api/schema";
import type { Body, NodeDetail } from "../live/shapes";
import { allEntries, standingOf, type Keyed, type Standing } from "../model/entries";
import { State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";

const SHOWN_MAX = 200;
const ORDER: Record<Standing, number> = { failed: 0, missing: 1, extra: 2, same: 3 };
const MARKS: Record<Standing, [string, string]> = {
  failed: ["error", "failed"],
  missing: ["lagging", "not there"],
  extra: ["info", "not wanted"],
  same: ["ok", "there"],
};

function BodyText({ body }: { body: Body | null }) {
  if (!body) return <span class="dim">–</span>;
  const fields = Object.entries(body).filter(([name]) => name !== "needs");
  return (
    <dl class="body">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function EntryRow({ entry, standing, error }: { entry: Keyed; standing: Standing; error: EntryError | undefined }) {
  const [mark, word] = MARKS[standing];
  return (
    <tr>
      <th scope="row" class="mono">
        {entry.key}
      </th>
      <td>
        <State state={mark} word={word} />
        {error && <div class="why">{error.text}</div>}
      </td>
      <td>
        <BodyText body={entry.desired} />
      </td>
      <td>
        <BodyText body={entry.observed} />
      </td>
    </tr>
  );
}

export function Entries({ detail, errors }: { detail: NodeDetail; errors: EntryError[] }) {
  const [part, setPart] = useState("");
  const [isOpen, setOpen] = useState(false);
  const byKey = new Map(errors.map((error) => [error.entry, error]));
  const failed = new Set(byKey.keys());
  const all = allEntries(detail).map((entry) => ({ entry, standing: standingOf(entry, failed) }));
  const wrong = all.filter((each) => each.standing !== "same").length;
  const matching = all.filter(({ entry }) => entry.key.includes(part));
  matching.sort((a, b) => ORDER[a.standing] - ORDER[b.standing] || (a.entry.key < b.entry.key ? -1 : 1));
  const note = `${all.length} in all, ${wrong === 0 ? "each as wanted" : `${wrong} not as wanted`}`;
  return (
    <Section title="Entries" note={note}>
      <details class="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Wanted beside seen</summary>
        {isOpen && (
          <>
            <label class="filters">
              <span>Only keys with</span>
              <input type="search" value={part} onInput={(event) => setPart(event.currentTarget.value)} placeholder="peer/home" />
            </label>
            <Scroll label="Entries">
              <table class="table table-top">
                <Columns columns={[["Entry", false], ["Standing", false], ["Wanted", false], ["Seen", false]]} />
                <tbody>
                  {matching.slice(0, SHOWN_MAX).map(({ entry, standing }) => (
                    <EntryRow key={entry.key} entry={entry} standing={standing} error={byKey.get(entry.key)} />
                  ))}
                </tbody>
              </table>
            </Scroll>
            {matching.length > SHOWN_MAX && <p class="dim">{matching.length - SHOWN_MAX} more: narrow the filter.</p>}
          </>
        )}
      </details>
    </Section>
  );
}
