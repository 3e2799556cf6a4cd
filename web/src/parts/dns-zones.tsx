// Zones, record by record: one is added or taken away, and the zone is written as a whole.
import { useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { DnsRecord, DnsZoneSpec, Resource } from "../api/schema";
import { configPath } from "../router";
import { useMay } from "../session";
import { ProblemNote } from "./problem";
import { Scroll, Section } from "./section";
import { Value } from "./value";

const TYPES = ["a", "aaaa", "cname", "txt", "ptr"] as const;
type Type = (typeof TYPES)[number];

function typeOf(record: DnsRecord): Type {
  return TYPES.find((type) => record[type] !== undefined) ?? "txt";
}

function Adding({ onAdd, isBusy }: { onAdd(record: DnsRecord): Promise<boolean>; isBusy: boolean }) {
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields = new FormData(form);
    const record = { name: String(fields.get("name")).trim(), [String(fields.get("type"))]: String(fields.get("data")).trim() };
    if (await onAdd(record as DnsRecord)) form.reset();
  };
  return (
    <form class="filters" onSubmit={submit}>
      <label>
        <span>Name</span>
        <input name="name" required placeholder="@, printer, *.apps" maxLength={253} spellcheck={false} />
      </label>
      <label>
        <span>Type</span>
        <select name="type">
          {TYPES.map((type) => (
            <option key={type} value={type}>
              {type.toUpperCase()}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Data</span>
        <input name="data" required maxLength={1000} spellcheck={false} />
      </label>
      <button type="submit" disabled={isBusy}>
        Add the record
      </button>
    </form>
  );
}

function Zone({ resource }: { resource: Resource }) {
  const mayWrite = useMay("network");
  const spec = resource.spec as DnsZoneSpec;
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const save = async (records: DnsRecord[]): Promise<boolean> => {
    setBusy(true);
    setRefused(null);
    let isSaved = true;
    try {
      // The page follows the commit.
      await call("PUT", resourcePath("dns-zones", resource.name), { ...spec, records }, { "If-Match": `"${resource.revision}"` });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
      isSaved = false;
    }
    setBusy(false);
    return isSaved;
  };
  return (
    <Section title={spec.zone} note={<a href={configPath("dns-zones", resource.name)} data-view>{resource.name}</a>}>
      {spec.records.length > 0 && (
        <Scroll label={`Records of ${spec.zone}`}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Type</th>
                <th scope="col">Data</th>
                <th scope="col">TTL</th>
                <th scope="col">
                  <span class="hidden">Remove</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {spec.records.map((record, at) => (
                <tr key={at}>
                  <th scope="row" class="mono">
                    {record.name}
                  </th>
                  <td>{typeOf(record).toUpperCase()}</td>
                  <td class="wrap mono">{record[typeOf(record)]}</td>
                  <td>
                    <Value value={record.ttl ?? spec.ttl ?? null} />
                  </td>
                  <td>
                    {mayWrite && (
                      <button
                        type="button" class="link" disabled={isBusy} aria-label={`Remove ${record.name} ${typeOf(record).toUpperCase()}`}
                        onClick={() => void save(spec.records.filter((_, other) => other !== at))}
                      >
                        Remove
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {refused && <ProblemNote refused={refused} />}
      {mayWrite && <Adding isBusy={isBusy} onAdd={(record) => save([...spec.records, record])} />}
    </Section>
  );
}

export function DnsZones({ zones }: { zones: Resource[] }) {
  return (
    <>
      {zones.map((zone) => (
        <Zone key={zone.id} resource={zone} />
      ))}
    </>
  );
}
