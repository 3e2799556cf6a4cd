// The banner over every view while a revision waits for confirmation.
import { useState } from "preact/hooks";
import { call, Refused } from "../api/client";
import type { ApplyResult, Confirmation } from "../api/schema";
import { useFleet, useNow } from "../live/use";
import { toMs } from "../live/shapes";
import { useMay } from "../session";
import { Mark } from "./mark";
import { ProblemNote } from "./problem";

function left(until: string, now: number): string {
  const seconds = Math.max(0, Math.ceil(((toMs(until) ?? now) - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function Waiting({ waits }: { waits: Confirmation }) {
  const now = useNow(1000);
  const mayWrite = useMay("network");
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const settle = async (undo: boolean) => {
    setBusy(true);
    setRefused(null);
    try {
      await call<ApplyResult>("POST", "/api/v1/confirm", { revision: waits.revision, undo });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
    }
    setBusy(false);
  };
  return (
    <div class="verdict verdict-warn" role="status" aria-label="Revision waiting for confirmation">
      <Mark state="lagging" />
      <p>
        Revision {waits.revision} by {waits.user} will be undone in {left(waits.until, now)} unless confirmed.
      </p>
      {mayWrite && (
        <>
          <button type="button" class="primary" disabled={isBusy} onClick={() => void settle(false)}>
            Confirm
          </button>
          <button type="button" disabled={isBusy} onClick={() => void settle(true)}>
            Undo now
          </button>
        </>
      )}
      {refused && <ProblemNote refused={refused} />}
    </div>
  );
}

export function ConfirmationBar() {
  const waits = useFleet((fleet) => fleet.state?.confirmation ?? null);
  return waits ? <Waiting key={waits.revision} waits={waits} /> : null;
}
