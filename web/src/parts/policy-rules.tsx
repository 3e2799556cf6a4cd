// A policy: its rules in their order, what each has taken, and putting them in another order.
import { useEffect, useRef, useState } from "preact/hooks";
import type { PolicyRule, PolicySpec, Resource } from "../api/schema";
import { useFleet } from "../live/use";
import { bytes, plural, rate } from "../model/format";
import { clientsOf, countsOf, deedOf, deedWords, groupAt, listsOf, moved, nameIn, placesTo, rulesOf } from "../model/policy";
import { configPath } from "../router";
import { useMay } from "../session";
import { EditDialog } from "./edit-dialog";
import { RuleDialog } from "./rule-dialog";
import { Section } from "./section";

function Targets({ rule }: { rule: PolicyRule }) {
  if (rule.to.includes("any")) return <span class="chip">everything</span>;
  return (
    <>
      {listsOf(rule).map((name) => (
        <a key={name} class="chip chip-list" href={configPath("domain-lists", name)} data-view>
          {name}
        </a>
      ))}
      {placesTo(rule).map((place) => (
        <span key={place} class="chip mono">
          {place}
        </span>
      ))}
      {rule.unknown && <span class="chip">what names nobody</span>}
    </>
  );
}

function Deed({ rule, nodes }: { rule: PolicyRule; nodes: string[] }) {
  const details = useFleet((fleet) => fleet.details);
  const isBlocked = deedOf(rule) !== "via" && deedOf(rule) !== "direct";
  const used = rule.via ? groupAt(details, nodes, nameIn(rule.via)).filter((at) => at.otherwise === (rule.otherwise ?? "block")) : [];
  const gateways = [...new Set(used.map((at) => at.gateway ?? "none"))];
  return (
    <span class="rule-deed">
      <span aria-hidden="true">→ </span>
      {rule.via ? (
        <a href={configPath("gateway-groups", nameIn(rule.via))} data-view>
          {deedWords(rule)}
        </a>
      ) : (
        <span class={isBlocked ? "tone-bad" : undefined}>{deedWords(rule)}</span>
      )}
      {gateways.length > 0 && <span class={gateways.includes("none") ? "tone-bad" : "dim"}>, now by {gateways.join(", ")}</span>}
      {rule.otherwise === "direct" && <span class="dim">, otherwise direct</span>}
    </span>
  );
}

function Counts({ policy, number, nodes }: { policy: string; number: number; nodes: string[] }) {
  const details = useFleet((fleet) => fleet.details);
  const counts = countsOf(details, nodes, policy, number);
  if (!counts) return <span class="rule-counts dim">not counted yet</span>;
  return (
    <span class="rule-counts">
      <span>{plural(counts.flows, "flow")}</span>
      <span>{bytes(counts.bytes)}</span>
      <span class="dim">{counts.rate === null ? "" : rate(counts.rate)}</span>
    </span>
  );
}

interface RowProps {
  policy: Resource;
  rule: PolicyRule;
  /** As stored, where it stands now, of so many. */
  number: number;
  place: number;
  total: number;
  nodes: string[];
  mayWrite: boolean;
  onMove(from: number, to: number): void;
  onEdit(): void;
  onDelete(): void;
}

function Row({ policy, rule, number, place, total, nodes, mayWrite, onMove, onEdit, onDelete }: RowProps) {
  const [isOver, setOver] = useState(false);
  const take = (event: DragEvent) => event.dataTransfer?.setData(`weft/${policy.name}`.toLowerCase(), String(place));
  // What is dragged tells its kind before it is dropped, not its value.
  const isOurs = (event: DragEvent) => event.dataTransfer?.types.includes(`weft/${policy.name}`.toLowerCase());
  const over = (event: DragEvent) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    setOver(false);
    if (!isOurs(event)) return;
    event.preventDefault();
    onMove(Number(event.dataTransfer?.getData(`weft/${policy.name}`.toLowerCase())), place);
  };
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (step === 0 || place + step < 0 || place + step >= total) return;
    event.preventDefault();
    onMove(place, place + step);
  };
  return (
    <li
      class={isOver ? "rule rule-over" : "rule"} draggable={mayWrite} onDragStart={take} onDragOver={over}
      onDragLeave={() => setOver(false)} onDrop={drop}
    >
      {mayWrite && (
        <button type="button" class="quiet rule-grip" onKeyDown={press} title="Drag, or press the arrow keys" aria-label={`Move rule ${number}`}>
          <span aria-hidden="true">⠿</span>
        </button>
      )}
      <span class="rule-number">{number}</span>
      <div class="rule-what">
        <p>
          <Targets rule={rule} />
          {(rule.ports ?? []).map((port) => (
            <span key={port} class="chip mono">
              {port}
            </span>
          ))}
        </p>
        <p>
          <Deed rule={rule} nodes={nodes} />
        </p>
        {rule.comment && <p class="dim">{rule.comment}</p>}
      </div>
      <Counts policy={policy.name} number={number} nodes={nodes} />
      {mayWrite && (
        <span class="rule-actions">
          <button type="button" class="link" onClick={onEdit} aria-label={`Edit rule ${number} of ${policy.name}`}>
            Edit
          </button>
          <button type="button" class="link" disabled={total === 1} onClick={onDelete} aria-label={`Delete rule ${number} of ${policy.name}`}>
            Delete
          </button>
        </span>
      )}
    </li>
  );
}

type Doing = { what: "edit"; at: number | null } | { what: "delete"; at: number } | { what: "order" } | null;

interface PolicyProps {
  policy: Resource;
  lists: Resource[];
  groups: Resource[];
}

function Order({ onReview, onDiscard }: { onReview(): void; onDiscard(): void }) {
  return (
    <p class="note rule-order" role="status">
      The order is another than the stored one.{" "}
      <button type="button" class="link" onClick={onReview}>
        Review and save
      </button>{" "}
      <button type="button" class="link" onClick={onDiscard}>
        As it was
      </button>
    </p>
  );
}

export function PolicyRules({ policy, lists, groups }: PolicyProps) {
  const mayWrite = useMay("network");
  const rules = rulesOf(policy);
  const asStored = () => rules.map((_, at) => at);
  const [order, setOrder] = useState(asStored);
  const [doing, setDoing] = useState<Doing>(null);
  const held = useRef<{ list: HTMLOListElement | null; at: number | null }>({ list: null, at: null });
  useEffect(() => setOrder(asStored()), [policy.revision]);
  useEffect(() => {
    // The keyboard stays with the rule that it moves.
    const { list, at } = held.current;
    if (at !== null) list?.querySelectorAll<HTMLButtonElement>(".rule-grip")[at]?.focus();
    held.current.at = null;
  }, [order]);
  const move = (from: number, to: number) => {
    held.current.at = to;
    setOrder(moved(order, from, to));
  };
  const clients = clientsOf(policy);
  const nodes = clients.map(([node]) => node);
  const spec = policy.spec as PolicySpec;
  const close = () => setDoing(null);
  const isOther = order.length === rules.length && order.some((was, at) => was !== at);
  const shown = order.length === rules.length ? order : asStored();
  return (
    <Section
      title={policy.name}
      note={
        <>
          of {spec.from.join(", ")}
          {nodes.length > 0 && `, at ${nodes.join(", ")}`}{" "}
          <a href={configPath("policies", policy.name)} data-view>
            Configuration
          </a>
        </>
      }
    >
      <ol class="rules" aria-label={`Rules of ${policy.name}`} ref={(list) => void (held.current.list = list)}>
        {shown.map((was, place) => (
          <Row
            key={was} policy={policy} rule={rules[was] as PolicyRule} number={was + 1} place={place} total={rules.length} nodes={nodes}
            mayWrite={mayWrite} onMove={move} onEdit={() => setDoing({ what: "edit", at: was })}
            onDelete={() => setDoing({ what: "delete", at: was })}
          />
        ))}
      </ol>
      {isOther && <Order onReview={() => setDoing({ what: "order" })} onDiscard={() => setOrder(asStored())} />}
      {mayWrite && (
        <div class="filters">
          <button type="button" onClick={() => setDoing({ what: "edit", at: null })} aria-label={`Add a rule to ${policy.name}`}>
            Add a rule
          </button>
        </div>
      )}
      {doing?.what === "edit" && <RuleDialog policy={policy} at={doing.at} lists={lists} groups={groups} onClose={close} />}
      {doing?.what === "delete" && (
        <EditDialog
          title={`Delete rule ${doing.at + 1} of ${policy.name}`} kind="policies" resource={policy}
          spec={{ ...spec, rules: rules.filter((_, at) => at !== doing.at) }} onClose={close}
        />
      )}
      {doing?.what === "order" && (
        <EditDialog
          title={`Another order of ${policy.name}`} kind="policies" resource={policy}
          spec={{ ...spec, rules: order.map((was) => rules[was]) }} onClose={close}
        />
      )}
    </Section>
  );
}
