// One resource: its spec as text, to read, check, save and delete.
import { useEffect, useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import { kinds } from "../api/fields";
import type { ApplyResult, Kind, Resource } from "../api/schema";
import { useFleet } from "../live/use";
import { read, write, type Notation } from "../model/yaml";
import { CopyLine } from "../parts/copy";
import { Confirm, Dialog, DialogFoot } from "../parts/dialog";
import { FieldHelp } from "../parts/field-help";
import { PlanNote } from "../parts/plan";
import { ProblemNote } from "../parts/problem";
import { SegmentTree } from "../parts/segment-tree";
import { SecretValue } from "../parts/secret-value";
import { WebhookStatus } from "../parts/webhook-status";
import { Ago } from "../parts/time";
import { configPath, go } from "../router";
import { rightFor, useMay } from "../session";
import { singular } from "./config";

type Tab = Notation | "effective";
type Created = Resource & { key?: string; join?: string; token?: string };

interface Editing {
  text: string;
  notation: Notation;
  isDirty: boolean;
  /** The revision it was taken from; null for a new resource. */
  base: number | null;
}

function stored(resource: Resource, notation: Notation): Editing {
  return { text: write(resource.spec, notation), notation, isDirty: false, base: resource.revision };
}

function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  return new Refused(0, { detail: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) });
}

// The stored resource with its ETag, read again when something was committed elsewhere.
function useResource(kind: Kind, name: string | null) {
  const version = useFleet((fleet) => fleet.revisions);
  const [resource, setResource] = useState<Resource | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  useEffect(() => {
    if (name === null) return undefined;
    // Of two answers that overtake each other the later question's counts.
    let isCurrent = true;
    call<Resource>("GET", `${resourcePath(kind, name)}?effective=true`)
      .then(({ body }) => {
        if (!isCurrent) return;
        setResource(body);
        setRefused(null);
      })
      .catch((error: unknown) => isCurrent && setRefused(asRefused(error)));
    return () => {
      isCurrent = false;
    };
  }, [kind, name, version]);
  return { resource, refused, setResource };
}

function Once({ created, onClose }: { created: Created; onClose(): void }) {
  const lines: [string, string | undefined][] = [
    ["The line to run on a host", created.join],
    ["The key", created.join ? undefined : created.key],
    ["The token", created.token],
  ];
  return (
    <Dialog title="Shown only now" onClose={onClose} wide>
      <div class="dialog-body">
        <p>Copy it before you close this: it cannot be shown again.</p>
        {lines.map(([label, text]) => text && <CopyLine key={label} text={text} label={label} />)}
        <DialogFoot onClose={onClose} />
      </div>
    </Dialog>
  );
}

function Tabs({ tab, hasEffective, onTab }: { tab: Tab; hasEffective: boolean; onTab(tab: Tab): void }) {
  const tabs: [Tab, string][] = [["yaml", "YAML"], ["json", "JSON"], ...(hasEffective ? ([["effective", "Effective"]] as [Tab, string][]) : [])];
  return (
    <div class="tabs" role="group" aria-label="Notation">
      {tabs.map(([id, word]) => (
        <button key={id} type="button" aria-pressed={tab === id} onClick={() => onTab(id)}>
          {word}
        </button>
      ))}
    </div>
  );
}

interface EditorProps {
  kind: Kind;
  name: string | null;
  resource: Resource | null;
  onSaved(created: Created, isNew: boolean): void;
}

function Editor({ kind, name, resource, onSaved }: EditorProps) {
  const mayWrite = useMay(rightFor(kind));
  const [newName, setNewName] = useState("");
  const [editing, setEditing] = useState<Editing>(() =>
    resource ? stored(resource, "yaml") : { text: "", notation: "yaml", isDirty: false, base: null },
  );
  const [isEffective, setEffective] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  // Of what stands there now.
  const [plan, setPlan] = useState<ApplyResult | null>(null);
  const [isBusy, setBusy] = useState(false);
  const notation = editing.notation;
  const target = name ?? newName.trim();

  useEffect(() => {
    // What somebody types is never overwritten by what arrives.
    if (resource) setEditing((now) => (now.isDirty ? now : stored(resource, now.notation)));
  }, [resource]);

  const change = (next: Tab) => {
    setRefused(null);
    try {
      const to: Notation = next === "json" ? "json" : "yaml";
      if (to !== notation) setEditing({ ...editing, notation: to, text: write(read(editing.text, notation), to) });
      setEffective(next === "effective");
    } catch (error) {
      setRefused(asRefused(error));
    }
  };
  const attempt = async (action: (spec: Record<string, unknown>) => Promise<void>) => {
    setBusy(true);
    setRefused(null);
    setPlan(null);
    try {
      await action(read(editing.text, notation));
    } catch (error) {
      setRefused(asRefused(error));
    }
    setBusy(false);
  };
  const ask = async (spec: Record<string, unknown>) => {
    const resources = { [kind]: { [target]: spec } };
    const set = resource?.set ?? "default";
    return (await call<ApplyResult>("POST", "/api/v1/apply", { resources, set, dry_run: true })).body;
  };
  const check = () => attempt(async (spec) => setPlan(await ask(spec)));
  // What touches nodes is seen before it is done.
  const save = () =>
    attempt(async (spec) => {
      const answer = plan ?? (await ask(spec));
      if (!plan && answer.nodes.length > 0) {
        setPlan(answer);
        return;
      }
      const headers: Record<string, string> = name ? { "If-Match": `"${editing.base}"` } : { "If-None-Match": "*" };
      const { body } = await call<Created>("PUT", resourcePath(kind, target), spec, headers);
      setEditing(stored(body, notation));
      onSaved(body, !name);
    });
  const rename = (next: string) => {
    setNewName(next);
    setPlan(null);
  };
  const type = (text: string) => {
    setEditing({ ...editing, text, isDirty: true });
    setPlan(null);
  };
  const isStale = resource !== null && editing.isDirty && editing.base !== null && resource.revision > editing.base;
  const takeTheirs = () => {
    if (!resource) return;
    setEditing(stored(resource, notation));
    setRefused(null);
  };
  return (
    <form class="editor" onSubmit={(event) => (event.preventDefault(), void save())}>
      {name === null && (
        <label class="editor-name">
          <span>Name</span>
          <input value={newName} required maxLength={191} spellcheck={false} autofocus onInput={(event) => rename(event.currentTarget.value)} />
        </label>
      )}
      <Tabs tab={isEffective ? "effective" : notation} hasEffective={resource?.effective !== undefined} onTab={change} />
      {isEffective ? (
        <pre class="text" tabIndex={0} aria-label="Effective spec">{write(resource?.effective ?? {}, "yaml")}</pre>
      ) : (
        <textarea
          class="text"
          aria-label={`Spec as ${notation.toUpperCase()}`}
          spellcheck={false}
          readOnly={!mayWrite || isBusy}
          rows={Math.min(30, Math.max(8, editing.text.split("\n").length + 1))}
          value={editing.text}
          onInput={(event) => type(event.currentTarget.value)}
        />
      )}
      {isStale && (
        <p class="note">
          Somebody changed it to revision {resource.revision} while you were editing.{" "}
          <button type="button" class="link" onClick={takeTheirs}>
            Drop my edits and show theirs
          </button>
        </p>
      )}
      {refused && <ProblemNote refused={refused} />}
      {plan && <PlanNote plan={plan} />}
      {plan && plan.nodes.length > 0 && <p class="note">Nothing is done yet: Save does it.</p>}
      {mayWrite && !isEffective && (
        <div class="editor-foot">
          <button type="button" disabled={isBusy || !target} onClick={check}>
            What would change?
          </button>
          <button type="submit" class="primary" disabled={isBusy || !target || (name !== null && !editing.isDirty)}>
            Save
          </button>
        </div>
      )}
    </form>
  );
}

export function ResourcePage({ kind, name }: { kind: Kind; name: string | null }) {
  const { resource, refused, setResource } = useResource(kind, name);
  const [created, setCreated] = useState<Created | null>(null);
  // The revision that is to be deleted: what somebody else made of it meanwhile stays.
  const [deleting, setDeleting] = useState<number | null>(null);
  const [saved, setSaved] = useState("");
  const mayWrite = useMay(rightFor(kind));
  const onSaved = (body: Created, isNew: boolean) => {
    if (body.key || body.token) setCreated(body);
    setSaved(`Saved as revision ${body.revision}.`);
    if (isNew && !body.key && !body.token) go(configPath(kind, body.name), true);
    else setResource({ ...body, effective: resource?.effective });
  };
  const remove = async () => {
    if (!name) return;
    await call("DELETE", resourcePath(kind, name), undefined, { "If-Match": `"${deleting}"` });
    go(configPath(kind), true);
  };
  const closeOnce = () => {
    const done = created;
    setCreated(null);
    if (done && !name) go(configPath(kind, done.name), true);
  };
  return (
    <>
      <p class="crumb">
        <a href={configPath(kind)} data-view>
          {kind}
        </a>
      </p>
      <div class="page-head">
        <h1>{name ?? `New ${singular(kind)}`}</h1>
        {name && resource && mayWrite && (
          <div class="actions">
            <button type="button" class="danger" onClick={() => setDeleting(resource.revision)}>
              Delete
            </button>
          </div>
        )}
      </div>
      {resource && (
        <p class="dim">
          Revision {resource.revision}, <Ago at={resource.updated} />
          {resource.set && `, set ${resource.set}`}
        </p>
      )}
      {refused && !resource ? (
        <ProblemNote refused={refused} />
      ) : (
        (resource || name === null) && <Editor kind={kind} name={name} resource={resource} onSaved={onSaved} />
      )}
      <p role="status" class="saved">
        {saved}
      </p>
      {kind === "secrets" && name && mayWrite && <SecretValue name={name} />}
      {kind === "webhooks" && name && resource && <WebhookStatus name={name} mayTest={mayWrite} />}
      {kind === "segments" && name && resource && <SegmentTree name={name} />}
      <FieldHelp about={kinds[kind].about} fields={kinds[kind].fields} />
      {created && <Once created={created} onClose={closeOnce} />}
      {deleting !== null && (
        <Confirm isDanger title={`Delete ${kind}/${name}?`} action="Delete" onConfirm={remove} onClose={() => setDeleting(null)}>
          <p>It is deleted at once, and what follows from it is taken off the nodes. The history keeps what it was.</p>
        </Confirm>
      )}
    </>
  );
}
