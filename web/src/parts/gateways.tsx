// Gateway-groups and gateways: how each is, and by which one each node leaves now.
import type { GatewayGroupSpec, GatewaySpec, Resource } from "../api/schema";
import { useFleet } from "../live/use";
import { gatewayAt, groupAt, nameIn, type GroupAt } from "../model/policy";
import { configPath, nodePath } from "../router";
import { Drained, State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Since } from "./time";
import { Value } from "./value";

function Users({ all }: { all: GroupAt[] }) {
  if (all.length === 0) return <Value value={null} />;
  return (
    <ul>
      {all.map((at) => (
        <li key={at.node + at.otherwise} title={at.cause ?? undefined}>
          <a href={nodePath(at.node)} data-view>
            {at.node}
          </a>
          : {at.gateway ? <strong>{at.gateway}</strong> : <State state="down" word={at.otherwise === "direct" ? "none: its own way" : "none: nothing passes"} />}
          {all.length > 1 && <span class="dim"> (otherwise {at.otherwise})</span>}
          {at.since !== null && (
            <span class="dim">
              {" "}
              for <Since at={new Date(at.since).toISOString()} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

export function GatewayGroups({ groups, nodes }: { groups: Resource[]; nodes: string[] }) {
  const details = useFleet((fleet) => fleet.details);
  return (
    <Section title="Gateway-groups" note={<a href={configPath("gateway-groups")} data-view>Configuration</a>}>
      <Scroll label="Gateway-groups">
        <table class="table table-top">
          <Columns columns={[["Group", false], ["Tries", false], ["Leaves now by", false]]} />
          <tbody>
            {groups.map((group) => {
              const spec = group.spec as GatewayGroupSpec;
              return (
                <tr key={group.id}>
                  <th scope="row">
                    <a href={configPath("gateway-groups", group.name)} data-view>
                      {group.name}
                    </a>
                  </th>
                  <td>
                    {spec.try.map(nameIn).join(", ")}
                    {spec.choose === "latency" && <span class="dim">, the nearest</span>}
                  </td>
                  <td>
                    <Users all={groupAt(details, nodes, group.name)} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

function wayOf(spec: GatewaySpec): string {
  if (spec.uplink) return `uplink ${spec.uplink}`;
  return spec.node ? `node ${nameIn(spec.node)}` : "";
}

function GatewayRow({ gateway, nodes }: { gateway: Resource; nodes: string[] }) {
  const details = useFleet((fleet) => fleet.details);
  const spec = gateway.spec as GatewaySpec;
  const seen = gatewayAt(details, nodes, gateway.name);
  return (
    <tr>
      <th scope="row">
        <a href={configPath("gateways", gateway.name)} data-view>
          {gateway.name}
        </a>
      </th>
      <td>
        {wayOf(spec)} <Drained is={spec.drain} />
      </td>
      <td>
        {seen.length === 0 && <Value value={null} />}
        <ul>
          {seen.map((at) => (
            <li key={at.node}>
              <State state={at.state} /> <span class="dim">at {at.node}</span>
            </li>
          ))}
        </ul>
      </td>
      <td class="why">
        <Value value={[...new Set(seen.map((at) => at.cause).filter(Boolean))].join("; ")} />
      </td>
    </tr>
  );
}

export function Gateways({ gateways, nodes }: { gateways: Resource[]; nodes: string[] }) {
  return (
    <Section title="Gateways" note={<a href={configPath("gateways")} data-view>Configuration</a>}>
      <Scroll label="Gateways">
        <table class="table table-top">
          <Columns columns={[["Gateway", false], ["Way", false], ["State", false], ["Why", false]]} />
          <tbody>
            {gateways.map((gateway) => (
              <GatewayRow key={gateway.id} gateway={gateway} nodes={nodes} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
