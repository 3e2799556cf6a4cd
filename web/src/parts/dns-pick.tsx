// Puts a name that was asked for into a domain list.
import { useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import type { Resource, ResourceList } from "../api/schema";
import { useGet } from "../live/use";
import { namesAbove } from "../model/dns";
import { Dialog, DialogFoot } from "./dialog";
import { ProblemNote } from "./problem";

type Spec = { names?: string[] } & Record<string, unknown>;

/** Written again from what is stored now; a list that is not there is made. */
async function add(list: string, rule: string): Promise<void> {
  const path = resourcePath("domain-lists", list);
  const stored = await call<Resource>("GET", path).catch((error: unknown) => {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  });
  const spec: Spec = stored ? (stored.body.spec as Spec) : { names: [] };
  if (!spec.names) throw new Refused(0, { detail: `The names of ${list} come from elsewhere: it is not written down.` });
  if (spec.names.includes(rule)) return;
  const headers: Record<string, string> = stored?.etag ? { "If-Match": stored.etag } : { "If-None-Match": "*" };
  await call("PUT", path, { ...spec, names: [...spec.names, rule] }, headers);
}

export function DnsPick({ name, onClose }: { name: string; onClose(): void }) {
  const { data } = useGet<ResourceList>("/api/v1/domain-lists?limit=200");
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const written = (data?.items ?? []).filter((list) => (list.spec as Spec).names);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setRefused(null);
    try {
      await add(String(fields.get("list")), String(fields.get("rule")));
      onClose();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add to a list" onClose={onClose}>
      <form class="dialog-body form" onSubmit={submit}>
        <label>
          <span>The name and everything below it</span>
          <select name="rule">
            {namesAbove(name).map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>List, one of these or a new one</span>
          <input name="list" list="dns-lists" required maxLength={63} autofocus spellcheck={false} />
        </label>
        <datalist id="dns-lists">
          {written.map((list) => (
            <option key={list.id} value={list.name} />
          ))}
        </datalist>
        {refused && <ProblemNote refused={refused} />}
        <DialogFoot onClose={onClose} action="Add" isOff={isBusy} />
      </form>
    </Dialog>
  );
}
