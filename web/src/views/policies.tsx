// Which traffic of whom leaves where: policies with their rules, what these lead to, and why a flow goes its way.
import { useEffect } from "preact/hooks";
import type { ResourceList } from "../api/schema";
import { watchNode } from "../live/fleet";
import { useFleet, useGet, useTurns } from "../live/use";
import { nodesOf } from "../model/policy";
import { DnsLists } from "../parts/dns-lists";
import { Empty } from "../parts/empty";
import { Explain } from "../parts/explain";
import { GatewayGroups, Gateways } from "../parts/gateways";
import { PolicyRules } from "../parts/policy-rules";
import { ProblemNote } from "../parts/problem";
import { configPath } from "../router";
import { useMay } from "../session";

const LISTS_MS = 5000;

/** Keeps what these nodes report while the page is shown. */
function useNodes(nodes: string[]): void {
  useEffect(() => {
    const ends = nodes.map(watchNode);
    return () => ends.forEach((end) => end());
  }, [nodes.join(" ")]);
}

export function Policies() {
  const version = useFleet((fleet) => fleet.revisions);
  const turn = useTurns(LISTS_MS);
  const mayWrite = useMay("network");
  const policies = useGet<ResourceList>("/api/v1/policies?limit=200&effective=true", version);
  const groups = useGet<ResourceList>("/api/v1/gateway-groups?limit=200", version);
  const gateways = useGet<ResourceList>("/api/v1/gateways?limit=200", version);
  const lists = useGet<ResourceList>("/api/v1/domain-lists?limit=200", version);
  const refused = policies.refused ?? groups.refused ?? gateways.refused ?? lists.refused;
  const all = policies.data?.items ?? [];
  const nodes = nodesOf(all);
  useNodes(nodes);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Policies</h1>
        {mayWrite && (
          <a class="button" href={`${configPath("policies")}&new=1`} data-view>
            New policy
          </a>
        )}
      </div>
      {refused && <ProblemNote refused={refused} />}
      {policies.data && all.length === 0 && (
        <Empty title="There is no policy yet: everything goes its host's own way.">
          <p>
            A policy says which traffic of a site leaves where: first the gateways and the group that tries them, then its rules.{" "}
            {mayWrite && (
              <a href={`${configPath("gateways")}&new=1`} data-view>
                Write the first gateway
              </a>
            )}
          </p>
        </Empty>
      )}
      {all.map((policy) => (
        <PolicyRules key={policy.id} policy={policy} lists={lists.data?.items ?? []} groups={groups.data?.items ?? []} />
      ))}
      {mayWrite && all.length > 0 && <Explain />}
      {(groups.data?.items.length ?? 0) > 0 && <GatewayGroups groups={groups.data?.items ?? []} nodes={nodes} />}
      {(gateways.data?.items.length ?? 0) > 0 && <Gateways gateways={gateways.data?.items ?? []} nodes={nodes} />}
      <DnsLists lists={lists.data?.items ?? []} turn={turn + version} />
    </div>
  );
}
