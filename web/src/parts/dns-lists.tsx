// Domain lists: how many names, where they come from, what is wrong with them.
import { useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { DomainListSpec, DomainListStatus, Resource } from "../api/schema";
import { useGet } from "../live/use";
import { count, plural } from "../model/format";
import { configPath } from "../router";
import { useMay } from "../session";
import { EditDialog } from "./edit-dialog";
import { State } from "./mark";
import { ProblemNote } from "./problem";
import { Scroll, Section } from "./section";
import { Ago } from "./time";
import { Value } from "./value";

function gradeOf(status: DomainListStatus): [string, string] {
  if (status.error) return [status.sha256 ? "warning" : "error", status.sha256 ? "the last good one" : "none yet"];
  return status.busy ? ["learning", "being read"] : ["ok", "ok"];
}

/** The names of a list that is written down, one a line. */
function NamesDialog({ list, onClose }: { list: Resource; onClose(): void }) {
  const stored = list.spec as DomainListSpec;
  const spec = (fields: FormData, opened: Resource) => ({ ...(opened.spec as DomainListSpec), names: String(fields.get("names")).split(/\s+/).filter(Boolean) });
  return (
    <EditDialog title={`Names of ${list.name}`} kind="domain-lists" resource={list} spec={spec} onClose={onClose}>
      <label>
        <span>Names, one a line</span>
        <textarea name="names" class="text" rows={12} spellcheck={false} defaultValue={(stored.names ?? []).join("\n")} />
        <small>A bare name stands for itself and everything below it, =x for exactly x, *.x for what is below x.</small>
      </label>
    </EditDialog>
  );
}

function Row({ list, turn, onRefused }: { list: Resource; turn: number; onRefused(refused: Refused): void }) {
  const [isEditing, setEditing] = useState(false);
  const mayWrite = useMay("network");
  const path = resourcePath("domain-lists", list.name);
  const { data, reload } = useGet<DomainListStatus>(`${path}/status`, turn);
  const refresh = async () => {
    try {
      await call("POST", `${path}/refresh`);
      reload();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      onRefused(error);
    }
  };
  if (!data) return null;
  const [state, word] = gradeOf(data);
  return (
    <tr>
      <th scope="row">
        <a href={configPath("domain-lists", list.name)} data-view>
          {list.name}
        </a>
      </th>
      <td>
        <State state={state} word={word} />
      </td>
      <td class="num">{count(data.rules)}</td>
      <td class="num" title={data.first_bad ? `the first is line ${data.first_bad}` : undefined}>
        {count(data.bad)}
      </td>
      <td>{data.checked_at ? <Ago at={data.checked_at} /> : <Value value={null} />}</td>
      <td>{plural(data.nodes.length, "node")}</td>
      <td class="wrap mono">{data.source ?? "written down"}</td>
      <td class="why">
        <Value value={data.error} />
      </td>
      <td>
        {mayWrite && data.source && (
          <button type="button" class="link" onClick={() => void refresh()} aria-label={`Read ${list.name} now`}>
            Read now
          </button>
        )}
        {mayWrite && (list.spec as DomainListSpec).names && (
          <button type="button" class="link" onClick={() => setEditing(true)} aria-label={`Edit the names of ${list.name}`}>
            Edit
          </button>
        )}
        {isEditing && <NamesDialog list={list} onClose={() => setEditing(false)} />}
      </td>
    </tr>
  );
}

const HEADS: [string, boolean][] = [
  ["List", false], ["State", false], ["Names", true], ["Bad lines", true], ["Read", false], ["At", false], ["Source", false], ["Why", false],
];

export function DnsLists({ lists, turn }: { lists: Resource[]; turn: number }) {
  const [refused, setRefused] = useState<Refused | null>(null);
  if (lists.length === 0) return null;
  return (
    <Section title="Lists" note={<a href={configPath("domain-lists")} data-view>Configuration</a>}>
      {refused && <ProblemNote refused={refused} />}
      <Scroll label="Lists">
        <table class="table">
          <thead>
            <tr>
              {HEADS.map(([head, isNumber]) => (
                <th key={head} scope="col" class={isNumber ? "num" : undefined}>
                  {head}
                </th>
              ))}
              <th scope="col">
                <span class="hidden">Read</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {lists.map((list) => (
              <Row key={list.id} list={list} turn={turn} onRefused={setRefused} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}
