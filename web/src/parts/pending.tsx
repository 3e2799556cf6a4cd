// Hosts that wait for approval: who they are, and letting them in.
import { useState } from "preact/hooks";
import { call } from "../api/client";
import { useFleet } from "../live/use";
import type { PendingHost } from "../live/shapes";
import { useMay } from "../session";
import { Confirm } from "./dialog";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Ago } from "./time";

/** The host that waits to join as this node, if one does. */
export function usePending(name: string): PendingHost | null {
  return useFleet((fleet) => fleet.state?.pending.find((host) => host.name === name) ?? null);
}

export function ApproveButton({ host }: { host: PendingHost }) {
  const [isAsking, setAsking] = useState(false);
  const mayApprove = useMay("admin");
  if (!mayApprove) return null;
  const approve = async () => {
    await call("POST", `/api/v1/nodes/${encodeURIComponent(host.name)}/approve`);
    setAsking(false);
  };
  return (
    <>
      <button type="button" class="primary" onClick={() => setAsking(true)}>
        Approve
      </button>
      {isAsking && (
        <Confirm title={`Approve ${host.name}?`} action="Approve" onConfirm={approve} onClose={() => setAsking(false)}>
          <p>
            The host at {host.source} that waits to join as {host.name} is let in; it asks again within seconds. Its public key, to
            compare with what the host shows, is <code>{host.public_key}</code>
          </p>
        </Confirm>
      )}
    </>
  );
}

export function PendingHosts() {
  const hosts = useFleet((fleet) => fleet.state?.pending ?? null);
  if (!hosts?.length) return null;
  return (
    <Section title="Waiting for approval" note="Hosts with a key that asks for it">
      <Scroll label="Hosts that wait for approval">
        <table class="table">
          <Columns columns={[["Host", false], ["From", false], ["Asked", false], ["Public key", false], ["", false]]} />
          <tbody>
            {hosts.map((host) => (
              <tr key={host.name}>
                <th scope="row">{host.name}</th>
                <td class="mono">{host.source}</td>
                <td>
                  <Ago at={host.since} />
                </td>
                <td class="mono">{host.public_key}</td>
                <td>
                  <ApproveButton host={host} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
