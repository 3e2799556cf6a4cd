// What operators wrote: the kinds, the resources of one, one resource.
import { useState } from "preact/hooks";
import type { Kind, ResourceList } from "../api/schema";
import { kinds } from "../api/fields";
import { useFleet, useGet } from "../live/use";
import { Empty } from "../parts/empty";
import { ProblemNote } from "../parts/problem";
import { Scroll } from "../parts/section";
import { Ago } from "../parts/time";
import { configPath, usePlace } from "../router";
import { rightFor, useMay } from "../session";
import { ResourcePage } from "./resource";

const SINGULAR: Record<Kind, string> = {
  nodes: "node", sites: "site", networks: "network", links: "link", segments: "segment", "ha-groups": "HA group", gateways: "gateway", "gateway-groups": "gateway-group", policies: "policy", slas: "sla", secrets: "secret", webhooks: "webhook",
  "domain-lists": "domain list", blocklists: "blocklist", "dns-zones": "DNS zone", "dns-forwards": "DNS forward", resolvers: "resolver",
  "enrolment-keys": "enrolment key", users: "user", tokens: "token",
};

export function singular(kind: Kind): string {
  return SINGULAR[kind];
}

function isKind(word: string | null): word is Kind {
  return word !== null && word in kinds;
}

function KindList({ here }: { here: Kind }) {
  const counts = useFleet((fleet) => fleet.state?.counts ?? null);
  return (
    <nav class="kinds" aria-label="Kinds">
      {(Object.keys(kinds) as Kind[]).map((kind) => (
        <a key={kind} href={configPath(kind)} data-view aria-current={kind === here ? "page" : undefined}>
          <span>{kind}</span>
          <span class="kinds-count">{counts?.[kind] ?? ""}</span>
        </a>
      ))}
    </nav>
  );
}

/** A spec on one line, as much as fits. */
function brief(spec: object): string {
  const text = JSON.stringify(spec).slice(1, -1).replace(/"([\w-]+)":/g, "$1: ").replace(/"/g, "").replace(/,(?=\S)/g, ", ");
  return text.length > 110 ? `${text.slice(0, 109)}…` : text;
}

function Rows({ kind, list }: { kind: Kind; list: ResourceList }) {
  return (
    <Scroll label={kind}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Spec</th>
            <th scope="col" class="num">
              Revision
            </th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {list.items.map((item) => (
            <tr key={item.id}>
              <th scope="row">
                <a href={configPath(kind, item.name)} data-view>
                  {item.name}
                </a>
              </th>
              <td class="mono brief">{brief(item.spec) || <span class="dim">all by default</span>}</td>
              <td class="num">{item.revision}</td>
              <td>
                <Ago at={item.updated} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function KindPage({ kind }: { kind: Kind }) {
  const version = useFleet((fleet) => fleet.revisions);
  const [part, setPart] = useState("");
  const query = new URLSearchParams({ limit: "200", ...(part ? { q: part } : {}) });
  const { data, refused } = useGet<ResourceList>(`/api/v1/${kind}?${query}`, version);
  const mayWrite = useMay(rightFor(kind));
  return (
    <>
      <div class="page-head">
        <h1>{kind}</h1>
        <div class="filters">
          <label>
            <span class="hidden">Only names with</span>
            <input type="search" placeholder="Find by name" value={part} onInput={(event) => setPart(event.currentTarget.value)} />
          </label>
          {mayWrite && (
            <a class="button" href={`${configPath(kind)}&new=1`} data-view>
              New {singular(kind)}
            </a>
          )}
        </div>
      </div>
      <p class="note">{kinds[kind].about}</p>
      {refused && <ProblemNote refused={refused} />}
      {data && data.items.length === 0 && (
        <Empty title={part ? `No name has “${part}” in it.` : `There are no ${kind.replace("-", " ")} yet.`}>
          {!part && mayWrite && (
            <p>
              <a href={`${configPath(kind)}&new=1`} data-view>
                Write the first {singular(kind)}
              </a>
              , or apply a fleet file with <code>weft apply -f fleet.yaml</code>.
            </p>
          )}
        </Empty>
      )}
      {data && data.items.length > 0 && <Rows kind={kind} list={data} />}
      {data?.next && (
        <p class="dim">
          {data.items.length} of {data.total} are shown: narrow them by name.
        </p>
      )}
    </>
  );
}

export function Config() {
  const { query } = usePlace();
  const asked = query.get("kind");
  const kind: Kind = isKind(asked) ? asked : "networks";
  const name = query.get("name");
  const isNew = query.has("new");
  return (
    <div class="page with-side">
      <KindList here={kind} />
      <div class="side-main">
        {name || isNew ? <ResourcePage key={`${kind}/${name}`} kind={kind} name={name} /> : <KindPage key={kind} kind={kind} />}
      </div>
    </div>
  );
}
