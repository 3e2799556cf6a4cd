// Why a flow of a client goes where it goes: asked of the node that the client is behind.
import { useState } from "preact/hooks";
import { get, Refused } from "../api/client";
import type { ExplainedAddress, ExplainedGateway, ExplainedRule, Explanation } from "../api/schema";
import { bytes, count } from "../model/format";
import { nodePath } from "../router";
import { State } from "./mark";
import { ProblemNote } from "./problem";
import { Section } from "./section";

const OUTCOMES: Record<Explanation["outcome"], string> = { via: "ok", direct: "info", none: "info", block: "error" };
const STATES: Record<ExplainedAddress["state"], string> = { learned: "ok", shared: "warning", unknown: "unknown", none: "info" };

function Rule({ rule }: { rule: ExplainedRule }) {
  return (
    <li class={rule.decides ? "why-line why-it" : "why-line"}>
      <p>
        <span class="why-sign" aria-label={rule.decides ? "decides" : undefined}>
          {rule.decides ? "→" : ""}
        </span>
        {rule.number} {rule.text}
        {rule.flows !== undefined && (
          <span class="dim">
            {" "}
            · {count(rule.flows)} flows, {bytes(rule.bytes ?? 0)}
          </span>
        )}
      </p>
      <p class={rule.decides ? undefined : "dim"}>{rule.sentence}</p>
    </li>
  );
}

function Address({ address }: { address: ExplainedAddress }) {
  const names = (address.names ?? []).map((each) => each.name);
  return (
    <li class="why-line">
      <p>
        <code>{address.address}</code> <State state={STATES[address.state]} word={address.state} />{" "}
        <span class="dim">{address.rule ? `rule ${address.rule}` : "no rule"}</span>
      </p>
      <p class="dim">{address.sentence}</p>
      {names.length > 0 && <p class="dim">It is an address of {names.join(", ")}.</p>}
      <p class="dim">{address.route.sentence}</p>
    </li>
  );
}

function Gateway({ gateway }: { gateway: ExplainedGateway }) {
  return (
    <li class={gateway.in_use ? "why-line why-it" : "why-line"}>
      <p>
        <span class="why-sign" aria-label={gateway.in_use ? "in use" : undefined}>
          {gateway.in_use ? "→" : ""}
        </span>
        {gateway.name} <State state={gateway.state} />
      </p>
      <p class={gateway.in_use ? undefined : "dim"}>{gateway.sentence}</p>
      {gateway.by && <p class="dim mono">{gateway.by}</p>}
    </li>
  );
}

function Dns({ dns }: { dns: NonNullable<Explanation["dns"]> }) {
  return (
    <div>
      <h3>DNS</h3>
      <p>{dns.sentence}</p>
      {dns.lists && dns.lists.length > 0 && <p class="dim">Its lists: {dns.lists.join(", ")}</p>}
      {dns.view && <p class="dim">Its question leaves by gateway-group {dns.view}.</p>}
      {dns.upstreams && dns.upstreams.length > 0 && <p class="dim">Who is asked: {dns.upstreams.join(", ")}</p>}
    </div>
  );
}

function Answer({ answer }: { answer: Explanation }) {
  return (
    <div class="why-answer" role="status">
      <p class="why-verdict">
        <State state={OUTCOMES[answer.outcome]} word={answer.sentence} />
      </p>
      <p class="dim">
        {answer.protocol}/{answer.port}, asked:{" "}
        <a href={nodePath(answer.node)} data-view>
          {answer.node}
        </a>
        , as {answer.asked}
      </p>
      {answer.policy && (
        <div>
          <h3>
            Rules of {answer.policy.name} <span class="dim">for {answer.policy.from}</span>
          </h3>
          <ul>
            {answer.rules.map((rule) => (
              <Rule key={rule.number} rule={rule} />
            ))}
          </ul>
        </div>
      )}
      <div class="why-pair">
        {answer.dns && <Dns dns={answer.dns} />}
        <div>
          <h3>Addresses</h3>
          {answer.addresses.length === 0 && <p class="dim">None of the name is known to the node.</p>}
          <ul>
            {answer.addresses.map((address) => (
              <Address key={address.address} address={address} />
            ))}
          </ul>
        </div>
        {answer.group && (
          <div>
            <h3>Gateways of {answer.group.name}</h3>
            <ul>
              {answer.group.gateways.map((gateway) => (
                <Gateway key={gateway.name} gateway={gateway} />
              ))}
            </ul>
          </div>
        )}
      </div>
    </div>
  );
}

export function Explain() {
  const [answer, setAnswer] = useState<Explanation | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const query = new URLSearchParams();
    for (const name of ["from", "to", "proto"]) query.set(name, String(fields.get(name)).trim());
    setBusy(true);
    setRefused(null);
    try {
      setAnswer(await get<Explanation>(`/api/v1/explain?${query}`));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setAnswer(null);
      setRefused(error);
    }
    setBusy(false);
  };
  return (
    <Section title="Ask why" note="Where a client's flow leaves, and why not elsewhere">
      <form class="filters" onSubmit={submit}>
        <label>
          <span>Client</span>
          <input name="from" required maxLength={45} placeholder="10.1.0.7" spellcheck={false} />
        </label>
        <label>
          <span>To a name or an address</span>
          <input name="to" required maxLength={261} placeholder="www.example.com:443" spellcheck={false} />
        </label>
        <label>
          <span>By</span>
          <select name="proto">
            <option value="tcp">TCP</option>
            <option value="udp">UDP, QUIC</option>
          </select>
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? "Asking …" : "Explain"}
        </button>
      </form>
      {refused && <ProblemNote refused={refused} />}
      {answer && <Answer answer={answer} />}
    </Section>
  );
}
