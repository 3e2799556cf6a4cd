// HA groups: who is active, since when, how many voters answer, and what happened last.
import type { FleetState } from "../live/shapes";
import { configPath, nodePath } from "../router";
import { State } from "./mark";
import { Scroll, Section } from "./section";
import { Since } from "./time";
import { Value } from "./value";

type Group = FleetState["ha_groups"][number];

function stateOf(group: Group): string {
  if (group.active.length > 1) return "error";
  if (group.active.length === 0) return "down";
  return group.heard < group.voters || group.lan_trouble ? "degraded" : "ok";
}

function Nodes({ names }: { names: string[] }) {
  if (names.length === 0) return <Value value={null} />;
  return (
    <>
      {names.map((name, at) => (
        <span key={name}>
          {at > 0 && ", "}
          <a href={nodePath(name)} data-view>
            {name}
          </a>
        </span>
      ))}
    </>
  );
}

// Whose LANs are reached through it, and why they are not.
function Site({ group }: { group: Group }) {
  if (!group.site) return null;
  return <span class="dim"> for {group.site}{group.lan_trouble && `: ${group.lan_trouble}`}</span>;
}

function Voters({ group }: { group: Group }) {
  return (
    <>
      {group.members.map((voter, at) => (
        <span key={voter.node} title={voter.cause ?? undefined}>
          {at > 0 && ", "}
          {voter.node} <span class="dim">{voter.connected ? voter.state : "away"}</span>
        </span>
      ))}
    </>
  );
}

function GroupRow({ group }: { group: Group }) {
  return (
    <tr>
      <th scope="row">{group.name}</th>
      <td>
        <State state={stateOf(group)} />
      </td>
      <td>
        <Nodes names={group.active} />
        <Site group={group} />
      </td>
      <td>{group.since ? <Since at={group.since} /> : <Value value={null} />}</td>
      <td class="num">
        {group.heard} <span class="dim">of {group.voters}, {group.needed} needed</span>
      </td>
      <td class="wrap">
        <Voters group={group} />
      </td>
      <td class="why">
        <Value value={group.cause} />
      </td>
    </tr>
  );
}

export function HaGroups({ groups }: { groups: Group[] }) {
  if (groups.length === 0) return null;
  return (
    <Section title="HA groups" note={<a href={configPath("ha-groups")} data-view>Configuration</a>}>
      <Scroll label="HA groups">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">State</th>
              <th scope="col">Active</th>
              <th scope="col">Since</th>
              <th scope="col" class="num">
                Voters heard
              </th>
              <th scope="col">Voters</th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <GroupRow key={group.name} group={group} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
