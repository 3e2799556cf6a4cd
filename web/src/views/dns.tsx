// The policy DNS: who answers, what is asked, which names are known and which are blocked.
import type { ResourceList } from "../api/schema";
import { useFleet, useGet, useTurns } from "../live/use";
import { placesOf } from "../model/dns";
import { DnsLists } from "../parts/dns-lists";
import { DnsLog } from "../parts/dns-log";
import { DnsResolvers } from "../parts/dns-resolvers";
import { DnsZones } from "../parts/dns-zones";
import { Empty } from "../parts/empty";
import { ProblemNote } from "../parts/problem";
import { configPath } from "../router";
import { useMay } from "../session";

const LISTS_MS = 5000;

export function Dns() {
  const version = useFleet((fleet) => fleet.revisions);
  const turn = useTurns(LISTS_MS);
  const mayWrite = useMay("network");
  const resolvers = useGet<ResourceList>("/api/v1/resolvers?limit=200&effective=true", version);
  const lists = useGet<ResourceList>("/api/v1/domain-lists?limit=200", version);
  const zones = useGet<ResourceList>("/api/v1/dns-zones?limit=200", version);
  const refused = resolvers.refused ?? lists.refused ?? zones.refused;
  const places = placesOf(resolvers.data?.items ?? []);
  return (
    <div class="page">
      <div class="page-head">
        <h1>DNS</h1>
      </div>
      {refused && <ProblemNote refused={refused} />}
      {resolvers.data && places.length === 0 && (
        <Empty title="No node runs a resolver yet.">
          {mayWrite && (
            <p>
              <a href={`${configPath("resolvers")}&new=1`} data-view>
                Write the first resolver
              </a>
              , for a site or for some nodes.
            </p>
          )}
        </Empty>
      )}
      {places.length > 0 && <DnsResolvers places={places} />}
      {places.length > 0 && mayWrite && <DnsLog key={places.map((place) => place.node).join(" ")} places={places} />}
      <DnsLists lists={lists.data?.items ?? []} turn={turn + version} />
      <DnsZones zones={zones.data?.items ?? []} />
    </div>
  );
}
