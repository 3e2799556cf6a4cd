// Who changed what and when: revisions, newest first, with each field before and after.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Change, History as Page } from "../api/schema";
import { useFleet, useGet } from "../live/use";
import { FieldDiff } from "../parts/diff";
import { Empty } from "../parts/empty";
import { ProblemNote } from "../parts/problem";
import { RollbackDialog } from "../parts/rollback";
import { Ago } from "../parts/time";
import { configPath } from "../router";
import { useMay } from "../session";

const LIMIT = 50;
const SIGNS: Record<Change["action"], string> = { create: "+", update: "~", delete: "−", rename: "→" };
const WORDS: Record<Change["action"], string> = { create: "created", update: "changed", delete: "deleted", rename: "renamed" };

function byRevision(items: Change[]): [number, Change[]][] {
  const groups = new Map<number, Change[]>();
  for (const item of items) groups.set(item.revision, [...(groups.get(item.revision) ?? []), item]);
  return [...groups];
}

// What a node found out about itself (addresses, keys), not what anybody decided: told in a line, shown when asked for.
function areFacts(change: Change): boolean {
  return change.user.startsWith("node/") && change.fields.every((field) => /^facts(\.|$)/.test(field.path));
}

function Facts({ change }: { change: Change }) {
  const names = change.fields.map((field) => field.path.replace(/^facts\.?/, "").replace(/_/g, " ")).filter((name) => name);
  return (
    <details class="fold">
      <summary class="dim">what it found out about itself{names.length > 0 && `: ${names.join(", ")}`}</summary>
      <FieldDiff fields={change.fields} />
    </details>
  );
}

function ChangeItem({ change }: { change: Change }) {
  const fields = change.fields;
  const title = (
    <>
      <span class={`sign sign-${change.action}`} aria-hidden="true">
        {SIGNS[change.action]}
      </span>
      {change.action === "delete" ? (
        <span>
          {change.kind}/{change.name}
        </span>
      ) : (
        <a href={configPath(change.kind, change.name)} data-view>
          {change.kind}/{change.name}
        </a>
      )}{" "}
      <span class="dim">{WORDS[change.action]}</span>
    </>
  );
  return (
    <li class="change">
      <div>{title}</div>
      {areFacts(change) ? <Facts change={change} /> : fields.length > 0 && <FieldDiff fields={fields} />}
    </li>
  );
}

interface RevisionProps {
  revision: number;
  changes: Change[];
  /** Absent for the newest, and for whoever may not. */
  onRollback?: (revision: number) => void;
}

function Revision({ revision, changes, onRollback }: RevisionProps) {
  const first = changes[0];
  if (!first) return null;
  return (
    <li class="revision" id={`revision-${revision}`}>
      <div class="revision-head">
        <h2>Revision {revision}</h2>
        <span>
          <Ago at={first.at} />
        </span>
        <span class="mono">{first.user}</span>
        {onRollback && (
          <button type="button" class="quiet" onClick={() => onRollback(revision)}>
            Roll back to here
          </button>
        )}
      </div>
      <ul class="changes">
        {changes.map((change) => (
          <ChangeItem key={change.id} change={change} />
        ))}
      </ul>
    </li>
  );
}

export function History() {
  const version = useFleet((fleet) => fleet.revisions);
  const { data, refused } = useGet<Page>(`/api/v1/history?limit=${LIMIT}`, version);
  const [older, setOlder] = useState<Page | null>(null);
  const [goingTo, setGoingTo] = useState<number | null>(null);
  const mayWrite = useMay("network");
  useEffect(() => setOlder(null), [version]);
  const next = older ? older.next : (data?.next ?? null);
  const more = async () => {
    const page = await get<Page>(`/api/v1/history?limit=${LIMIT}&after=${next}`);
    setOlder({ items: [...(older?.items ?? []), ...page.items], next: page.next });
  };
  const groups = byRevision([...(data?.items ?? []), ...(older?.items ?? [])]);
  return (
    <div class="page">
      <h1>History</h1>
      {refused && <ProblemNote refused={refused} />}
      {data && groups.length === 0 && (
        <Empty title="Nothing has been changed yet.">
          <p>Every change of the configuration is kept here, with who made it.</p>
        </Empty>
      )}
      <ol class="revisions">
        {groups.map(([revision, changes], at) => (
          <Revision
            key={revision}
            revision={revision}
            changes={changes}
            onRollback={mayWrite && at > 0 ? setGoingTo : undefined}
          />
        ))}
      </ol>
      {next !== null && (
        <button type="button" onClick={more}>
          Show older revisions
        </button>
      )}
      {goingTo !== null && <RollbackDialog revision={goingTo} onClose={() => setGoingTo(null)} />}
    </div>
  );
}
