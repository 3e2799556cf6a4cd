// Going back to a past revision: the plan first, then the deed.
import { useEffect, useState } from "preact/hooks";
import { call, Refused } from "../api/client";
import type { ApplyResult } from "../api/schema";
import { Confirm } from "./dialog";
import { PlanNote } from "./plan";
import { ProblemNote } from "./problem";

function rollback(revision: number, dryRun: boolean) {
  return call<ApplyResult>("POST", "/api/v1/rollback", { revision, dry_run: dryRun });
}

export function RollbackDialog({ revision, onClose }: { revision: number; onClose(): void }) {
  const [plan, setPlan] = useState<ApplyResult | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  useEffect(() => {
    rollback(revision, true)
      .then((answer) => setPlan(answer.body))
      .catch((error) => setRefused(error instanceof Refused ? error : new Refused(0, { detail: String(error) })));
  }, [revision]);
  const run = async () => {
    await rollback(revision, false);
    onClose();
  };
  return (
    <Confirm title={`Roll back to revision ${revision}`} action="Roll back" isDanger onConfirm={run} onClose={onClose}>
      <p>The network becomes as it was right after revision {revision}. Users, tokens, keys and secrets stay.</p>
      {refused && <ProblemNote refused={refused} />}
      {plan ? <PlanNote plan={plan} /> : !refused && <p class="dim">Asking what would change …</p>}
    </Confirm>
  );
}
