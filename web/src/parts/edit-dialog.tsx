// One resource is written anew: what it is to be, then what would change by it, then the deed.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { ApplyResult, Kind, Resource } from "../api/schema";
import { Dialog, DialogFoot } from "./dialog";
import { PlanNote } from "./plan";
import { ProblemNote } from "./problem";

type Spec = Record<string, unknown>;

interface EditDialogProps {
  title: string;
  kind: Kind;
  /** As it is stored now. What it was when the dialog was opened is edited: somebody else's change in between is told, and kept. */
  resource: Resource;
  /** What is to be written; without fields it is known from the beginning. A form's is made of what `resource` was then. */
  spec: Spec | ((fields: FormData, opened: Resource) => Spec);
  /** The fields of the form. */
  children?: ComponentChildren;
  onClose(): void;
}

export function EditDialog({ title, kind, resource, spec, children, onClose }: EditDialogProps) {
  const [opened] = useState(resource);
  // What arrives meanwhile must not change fields that somebody looks at.
  const [fields] = useState(children);
  const [wanted, setWanted] = useState<Spec | null>(typeof spec === "function" ? null : spec);
  const [plan, setPlan] = useState<ApplyResult | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [isBusy, setBusy] = useState(false);
  const attempt = async (action: () => Promise<void>) => {
    setBusy(true);
    setRefused(null);
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
    }
    setBusy(false);
  };
  const ask = (next: Spec) =>
    attempt(async () => {
      const body = { resources: { [kind]: { [opened.name]: next } }, set: opened.set ?? "default", dry_run: true };
      const answer = await call<ApplyResult>("POST", "/api/v1/apply", body);
      setWanted(next);
      setPlan(answer.body);
    });
  const save = () =>
    attempt(async () => {
      await call("PUT", resourcePath(kind, opened.name), wanted, { "If-Match": `"${opened.revision}"` });
      onClose();
    });
  useEffect(() => {
    if (wanted) void ask(wanted);
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (typeof spec === "function") void ask(spec(new FormData(event.currentTarget as HTMLFormElement), opened));
  };
  const isOvertaken = !isBusy && resource.revision !== opened.revision;
  const overtaken = isOvertaken && (
    <p class="problem" role="alert">
      Somebody changed {opened.name} to revision {resource.revision} meanwhile. Close this and begin with what it is now.
    </p>
  );
  const isSame = plan !== null && plan.changes.every((change) => change.action === "none");
  return (
    <Dialog title={title} onClose={onClose} wide>
      {/* The form stays there behind the plan, so that going back finds it as it was. */}
      <form class="dialog-body form" onSubmit={submit} hidden={plan !== null}>
        {fields ?? (!refused && <p class="dim">Asking what would change …</p>)}
        {!plan && overtaken}
        {refused && !plan && <ProblemNote refused={refused} />}
        <DialogFoot onClose={onClose} action={fields ? "What would change?" : undefined} isOff={isBusy || isOvertaken} />
      </form>
      {plan && (
        <div class="dialog-body">
          <PlanNote plan={plan} />
          {overtaken}
          {refused && <ProblemNote refused={refused} />}
          <DialogFoot
            onClose={fields ? () => (setPlan(null), setRefused(null)) : onClose} close={fields ? "Back" : undefined}
            action="Save" isOff={isBusy || isSame || isOvertaken} onAction={() => void save()}
          />
        </div>
      )}
    </Dialog>
  );
}
