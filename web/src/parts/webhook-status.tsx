// How far a webhook has come, and a test of it.
import { useCallback, useEffect, useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { WebhookStatus as Status } from "../api/schema";
import { plural } from "../model/format";
import { ProblemNote } from "./problem";

const LOOK_MS = 2000;

function sentence(status: Status): string {
  const when = (text: string) => new Date(text).toLocaleString();
  if (status.error)
    return `${plural(status.failures, "try", "tries")} in a row failed: ${status.error}.${status.next_at ? ` Again at ${when(status.next_at)}.` : ""}`;
  const last = status.delivered_at ? `The last event was taken at ${when(status.delivered_at)}.` : "Nothing was sent yet.";
  return status.waiting > 0 ? `${last} ${plural(status.waiting, "event")} not yet looked at.` : last;
}

export function WebhookStatus({ name, mayTest }: { name: string; mayTest: boolean }) {
  const [status, setStatus] = useState<Status | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const ask = useCallback(
    async (method: "GET" | "POST", action: "status" | "test") => {
      try {
        setStatus((await call<Status>(method, `${resourcePath("webhooks", name)}/${action}`)).body);
        setRefused(null);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setRefused(error);
      }
    },
    [name],
  );
  useEffect(() => {
    void ask("GET", "status");
    const timer = setInterval(() => void ask("GET", "status"), LOOK_MS);
    return () => clearInterval(timer);
  }, [ask]);
  return (
    <section class="form" aria-label="Delivery">
      <p role="status">{status && sentence(status)}</p>
      {mayTest && (
        <button type="button" onClick={() => void ask("POST", "test")}>
          Send a test
        </button>
      )}
      {refused && <ProblemNote refused={refused} />}
    </section>
  );
}
