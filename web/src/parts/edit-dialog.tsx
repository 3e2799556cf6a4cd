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
  /** As it is stored: somebody else's change in between is refused. */
  resource: Resource;
  /** What is to be written; without fields it is known from the beginning. */
  spec: Spec | ((fields: FormData) => Spec);
  /** The fields of the form. */
  children?: ComponentChildren;
  onClose(): void;
}

export function EditDialog({ title, kind, resource, spec, children, onClose }: EditDialogProps) {
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
      const body = { resources: { [kind]: { [resource.name]: next } }, set: resource.set ?? "default", dry_run: true };
      const answer = await call<ApplyResult>("POST", "/api/v1/apply", body);
      setWanted(next);
      setPlan(answer.body);
    });
  const save = () =>
    attempt(async () => {
      await call("PUT", resourcePath(kind, resource.name), wanted, { "If-Match": `"${resource.revision}"` });
      onClose();
    });
  useEffect(() => {
    if (wanted) void ask(wanted);
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (typeof spec === "function") void ask(spec(new FormData(event.currentTarget as HTMLFormElement)));
  };
  const isSame = plan !== null && plan.changes.every((change) => change.action === "none");
  return (
    <Dialog title={title} onClose={onClose} wide>
      {/* The form stays there behind the plan, so that going back finds it as it was. */}
      <form class="dialog-body form" onSubmit={submit} hidden={plan !== null}>
        {children ?? (!refused && <p class="dim">Asking what would change …</p>)}
        {refused && !plan && <ProblemNote refused={refused} />}
        <DialogFoot onClose={onClose} action={children ? "What would change?" : undefined} isOff={isBusy} />
      </form>
      {plan && (
        <div class="dialog-body">
          <PlanNote plan={plan} />
          {refused && <ProblemNote refused={refused} />}
          <DialogFoot
            onClose={children ? () => (setPlan(null), setRefused(null)) : onClose} close={children ? "Back" : undefined}
            action="Save" isOff={isBusy || isSame} onAction={() => void save()}
          />
        </div>
      )}
    </Dialog>
  );
}
