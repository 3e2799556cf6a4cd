// Sets a secret's value; it can never be read back.
import { useState } from "preact/hooks";
import { call, Refused, resourcePath } from "../api/client";
import { ProblemNote } from "./problem";

export function SecretValue({ name }: { name: string }) {
  const [isStored, setStored] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const value = String(new FormData(form).get("value") ?? "");
    setStored(false);
    setRefused(null);
    try {
      await call("PUT", `${resourcePath("secrets", name)}/value`, value, { "Content-Type": "text/plain" });
      setStored(true);
      form.reset();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
    }
  };
  return (
    <form class="form secret" onSubmit={submit}>
      <label>
        <span>New value</span>
        <input name="value" type="password" autocomplete="off" required maxLength={65536} />
      </label>
      <button type="submit">Store the value</button>
      {refused && <ProblemNote refused={refused} />}
      <p role="status">{isStored && "The value is stored. It cannot be shown."}</p>
    </form>
  );
}
