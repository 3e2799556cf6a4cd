// Adds a node and shows the one line to run on its host: the same as `weft node add`.
import { useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { EnrolmentKeyCreated, NodeSpec } from "../api/schema";
import { useFleet } from "../live/use";
import { CopyLine } from "../parts/copy";
import { Dialog, DialogFoot } from "../parts/dialog";
import { State } from "../parts/mark";
import { ApproveButton, usePending } from "../parts/pending";
import { ProblemNote } from "../parts/problem";
import { configPath, nodePath } from "../router";

interface Made {
  node: string;
  isNew: boolean;
  key: EnrolmentKeyCreated;
  needsApproval: boolean;
}

function randomHex(): string {
  return [...crypto.getRandomValues(new Uint8Array(3))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// True when it was made, false when it was there.
async function ensureNode(name: string, spec: NodeSpec): Promise<boolean> {
  try {
    await call("PUT", resourcePath("nodes", name), spec, { "If-None-Match": "*" });
    return true;
  } catch (error) {
    if (error instanceof Refused && error.status === 412) return false;
    throw error;
  }
}

async function make(fields: FormData): Promise<Made> {
  const node = String(fields.get("name") ?? "").trim();
  const address = String(fields.get("address") ?? "").trim();
  const needsApproval = fields.get("approval") === "on";
  const isNew = await ensureNode(node, address ? { address } : {});
  const spec = { node, uses: 1, expires: fields.get("expires"), approval: needsApproval };
  const keyName = `join-${node.slice(0, 50).replace(/-+$/, "")}-${randomHex()}`;
  const { body } = await call<EnrolmentKeyCreated>("PUT", resourcePath("enrolment-keys", keyName), spec);
  return { node, isNew, key: body, needsApproval };
}

function Form({ onMade, onClose }: { onMade(made: Made): void; onClose(): void }) {
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setRefused(null);
    try {
      onMade(await make(new FormData(event.currentTarget as HTMLFormElement)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
      setBusy(false);
    }
  };
  return (
    <form class="dialog-body form" onSubmit={submit}>
      <label>
        <span>Name</span>
        <input name="name" required maxLength={63} spellcheck={false} autocapitalize="none" autofocus />
        <small>1–63 of a–z, 0–9 and “-”</small>
      </label>
      <label>
        <span>Address, if it has a fixed public one</span>
        <input name="address" maxLength={261} spellcheck={false} placeholder="rho.example.net or 203.0.113.7:61000" />
        <small>Leave it empty behind a NAT or where the address changes.</small>
      </label>
      <div class="form-row">
        <label>
          <span>The line works for</span>
          <select name="expires">
            <option value="1h">1 hour</option>
            <option value="24h" selected>
              24 hours
            </option>
            <option value="7d">7 days</option>
          </select>
        </label>
        <label class="check">
          <input name="approval" type="checkbox" /> <span>wait for my approval</span>
        </label>
      </div>
      {refused && <ProblemNote refused={refused} />}
      <DialogFoot onClose={onClose} action="Add" isOff={isBusy} />
    </form>
  );
}

function Progress({ made }: { made: Made }) {
  const node = useFleet((fleet) => fleet.state?.nodes.find((each) => each.name === made.node) ?? null);
  const pending = usePending(made.node);
  if (node?.connected)
    return (
      <p role="status">
        <State state="ok" word={`${made.node} is connected.`} />{" "}
        <a href={nodePath(made.node)} data-view>
          Look at it
        </a>
      </p>
    );
  if (pending)
    return (
      <div class="actions" role="status">
        <State state="warning" word={`A host at ${pending.source} waits for your approval.`} /> <ApproveButton host={pending} />
      </div>
    );
  return (
    <p role="status">
      <State state="never" word={`Waiting for ${made.node} to connect …`} />
    </p>
  );
}

function Line({ made, onClose }: { made: Made; onClose(): void }) {
  const line = made.key.join ?? `sudo weft-agent join ${made.key.key}`;
  return (
    <div class="dialog-body">
      <p>
        {made.isNew ? `Node ${made.node} is added.` : `Node ${made.node} was there already; this is a new key for it.`} Run this on the
        host (Debian or Ubuntu). It admits one host{made.needsApproval && ", once you approve it,"} and is shown only now:
      </p>
      <CopyLine text={line} label="The line to run on the host" />
      {made.key.join && made.key.key && (
        <details class="fold">
          <summary>Where weft-agent is installed already</summary>
          <CopyLine text={`sudo weft-agent join ${made.key.key}`} label="The line where the agent is installed" />
        </details>
      )}
      <Progress made={made} />
      <p class="dim">
        Next: name it in a <a href={configPath("networks")} data-view onClick={onClose}>network</a>, so that it is linked to others.
      </p>
      <DialogFoot onClose={onClose} />
    </div>
  );
}

export function AddNode({ onClose }: { onClose(): void }) {
  const [made, setMade] = useState<Made | null>(null);
  return (
    <Dialog title={made ? `Join ${made.node}` : "Add a node"} onClose={onClose} wide={made !== null}>
      {made ? <Line made={made} onClose={onClose} /> : <Form onMade={setMade} onClose={onClose} />}
    </Dialog>
  );
}
