// Each bridge and its ports, with what `brctl showstp` tells.
import type { NodeDetail } from "../live/shapes";
import { entriesOf, number, sample, text, type Keyed } from "../model/entries";
import { nodePath } from "../router";
import { State } from "./mark";
import { Columns } from "./peers";
import { Scroll, Section } from "./section";
import { Value } from "./value";

function seconds(value: number | null): string | null {
  return value === null ? null : value.toFixed(2);
}

function Term({ word, value, unit }: { word: string; value: string | number | null; unit?: string }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        <Value value={value} unit={unit} />
      </dd>
    </div>
  );
}

function rootPort(bridge: Keyed, ports: Keyed[]): string {
  const id = number(bridge.observed, "root_port");
  if (!id) return "none";
  const port = ports.find((each) => ((number(each.observed, "port_id") ?? -1) & 0x3ff) === (id & 0x3ff));
  return port ? `${id & 0x3ff} (to ${port.peer})` : String(id & 0x3ff);
}

function Tree({ bridge, ports, detail }: { bridge: Keyed; ports: Keyed[]; detail: NodeDetail }) {
  const seen = bridge.observed;
  const timer = (name: string) => seconds(sample(detail, bridge.key, name));
  const isRoot = text(seen, "bridge_id") !== null && text(seen, "bridge_id") === text(seen, "root_id");
  return (
    <dl class="stp">
      <Term word="bridge id" value={text(seen, "bridge_id")} />
      <Term word="designated root" value={isRoot ? `${text(seen, "root_id")} (this bridge)` : text(seen, "root_id")} />
      <Term word="root port" value={rootPort(bridge, ports)} />
      <Term word="path cost" value={number(seen, "root_cost")} />
      <Term word="max age" value={seconds(number(seen, "max_age"))} unit="s" />
      <Term word="hello time" value={seconds(number(seen, "hello_time"))} unit="s" />
      <Term word="forward delay" value={seconds(number(seen, "forward_delay"))} unit="s" />
      <Term word="ageing time" value={seconds(number(seen, "ageing_time"))} unit="s" />
      <Term word="hello timer" value={timer("hello_timer")} unit="s" />
      <Term word="tcn timer" value={timer("tcn_timer")} unit="s" />
      <Term word="topology change timer" value={timer("topology_change_timer")} unit="s" />
      <Term word="gc timer" value={timer("gc_timer")} unit="s" />
      <Term word="flags" value={seen?.topology_change === true ? "TOPOLOGY_CHANGE" : "none"} />
    </dl>
  );
}

const COLUMNS: [string, boolean][] = [
  ["Port", false], ["Role", false], ["State", false], ["Cost", true], ["Port id", true], ["Designated root", false],
  ["Designated bridge", false], ["Designated port", true], ["Designated cost", true], ["Message age", true],
  ["Forward delay", true], ["Hold", true],
];

function hex(id: number | null): string | null {
  return id === null ? null : id.toString(16).padStart(4, "0");
}

function PortRow({ port, detail }: { port: Keyed; detail: NodeDetail }) {
  const seen = port.observed;
  const timer = (name: string) => <Value value={seconds(sample(detail, port.key, name))} unit="s" />;
  return (
    <tr>
      <th scope="row">
        to{" "}
        <a href={nodePath(port.peer)} data-view>
          {port.peer}
        </a>{" "}
        <span class="dim mono">{text(port.desired, "device")}</span>
      </th>
      <td>
        <Value value={text(seen, "role")} />
      </td>
      <td>
        <State state={text(seen, "state") ?? "unknown"} word={text(seen, "state") ?? "not reported"} />
      </td>
      <td class="num">
        <Value value={number(seen, "cost")} />
      </td>
      <td class="num mono">
        <Value value={hex(number(seen, "port_id"))} />
      </td>
      <td class="mono">
        <Value value={text(seen, "designated_root")} />
      </td>
      <td class="mono">
        <Value value={text(seen, "designated_bridge")} />
      </td>
      <td class="num mono">
        <Value value={hex(number(seen, "designated_port"))} />
      </td>
      <td class="num">
        <Value value={number(seen, "designated_cost")} />
      </td>
      <td class="num">{timer("message_age_timer")}</td>
      <td class="num">{timer("forward_delay_timer")}</td>
      <td class="num">{timer("hold_timer")}</td>
    </tr>
  );
}

export function Bridges({ detail }: { detail: NodeDetail }) {
  const bridges = entriesOf(detail, "bridge");
  const ports = entriesOf(detail, "port");
  return (
    <>
      {bridges.map((bridge) => {
        const own = ports.filter((port) => port.owner === bridge.owner);
        const device = text(bridge.desired, "device") ?? text(bridge.observed, "device");
        return (
          <Section key={bridge.key} title={`Bridge ${bridge.owner}`} note={<code>{device}</code>}>
            <Tree bridge={bridge} ports={own} detail={detail} />
            <Scroll label={`Ports of the bridge ${bridge.owner}`}>
              <table class="table table-dense">
                <Columns columns={COLUMNS} />
                <tbody>
                  {own.map((port) => (
                    <PortRow key={port.key} port={port} detail={detail} />
                  ))}
                </tbody>
              </table>
            </Scroll>
          </Section>
        );
      })}
    </>
  );
}
