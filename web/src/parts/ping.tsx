// Pings from one node to another, through whatever path they take.
import { useState } from "preact/hooks";
import { call, Refused } from "../api/client";
import type { PingResult } from "../api/schema";
import { useFleet } from "../live/use";
import { Dialog, DialogFoot } from "./dialog";
import { Mark } from "./mark";
import { ProblemNote } from "./problem";

function Result({ result }: { result: PingResult }) {
  const times = (result.rtt_ms ?? []).filter((ms) => ms !== null);
  const all = result.received === result.sent;
  return (
    <div class="ping-result" role="status">
      <p>
        <Mark state={all ? "ok" : result.received ? "lagging" : "error"} /> {result.received} of {result.sent} answers from{" "}
        <code>{result.address}</code>
        {times.length > 0 && `, ${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)} ms`}
      </p>
      {result.path && <p>Path: {result.path.join(" → ")}</p>}
      {result.error && <p>{result.error}</p>}
    </div>
  );
}

export function Ping({ from, onClose }: { from: string; onClose(): void }) {
  const nodes = useFleet((fleet) => fleet.state?.nodes ?? []);
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<PingResult | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const size = Number(fields.get("size"));
    setBusy(true);
    setResult(null);
    setRefused(null);
    try {
      const body = { to: fields.get("to"), count: 5, family: Number(fields.get("family")), size, df: fields.get("df") === "on" };
      setResult((await call<PingResult>("POST", `/api/v1/nodes/${encodeURIComponent(from)}/ping`, body)).body);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
    }
    setBusy(false);
  };
  return (
    <Dialog title={`Ping from ${from}`} onClose={onClose}>
      <form class="dialog-body form" onSubmit={submit}>
        <label>
          <span>To a node or an address</span>
          <input name="to" list="ping-nodes" required maxLength={253} autofocus />
        </label>
        <datalist id="ping-nodes">
          {nodes.filter((node) => node.name !== from).map((node) => <option key={node.id} value={node.name} />)}
        </datalist>
        <div class="form-row">
          <label>
            <span>Family</span>
            <select name="family">
              <option value="4">IPv4</option>
              <option value="6">IPv6</option>
            </select>
          </label>
          <label>
            <span>Packet, bytes</span>
            <input name="size" type="number" min={28} max={9000} value={84} />
          </label>
          <label class="check">
            <input name="df" type="checkbox" /> <span>forbid fragments</span>
          </label>
        </div>
        {refused && <ProblemNote refused={refused} />}
        {result && <Result result={result} />}
        <DialogFoot onClose={onClose} close="Close" action={isBusy ? "Pinging …" : "Ping"} isOff={isBusy} />
      </form>
    </Dialog>
  );
}
