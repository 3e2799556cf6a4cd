// One rule of a policy: written anew or changed.
import { useState } from "preact/hooks";
import type { PolicyRule, PolicySpec, Resource } from "../api/schema";
import { deedOf, listsOf, nameIn, placesTo, ruleOf, rulesOf, type Deed } from "../model/policy";
import { EditDialog } from "./edit-dialog";

const DEEDS: [Deed, string][] = [
  ["via", "leave by a gateway-group"],
  ["direct", "go the host's own way"],
  ["reject", "are refused, and the sender told"],
  ["drop", "are dropped without a word"],
  ["nxdomain", "are refused, its names do not exist"],
];

interface RuleDialogProps {
  policy: Resource;
  /** Its place; null: a new one, the last but for one for everything. */
  at: number | null;
  lists: Resource[];
  groups: Resource[];
  onClose(): void;
}

function placeOfNew(rules: PolicyRule[]): number {
  return rules.at(-1)?.to.includes("any") ? rules.length - 1 : rules.length;
}

/** The names of what is there, and what the rule has already: the page knows only the first of very many. */
function withChosen(all: Resource[], chosen: string[]): string[] {
  return [...new Set([...all.map((one) => one.name), ...chosen])].sort();
}

function Where({ rule, lists }: { rule: PolicyRule; lists: Resource[] }) {
  const [isAny, setAny] = useState(rule.to.includes("any"));
  const chosen = listsOf(rule);
  const names = withChosen(lists, chosen);
  return (
    <fieldset>
      <legend>Where to</legend>
      <div class="form-row">
        <label class="check">
          <input type="radio" name="where" value="some" checked={!isAny} onChange={() => setAny(false)} /> <span>these lists and addresses</span>
        </label>
        <label class="check">
          <input type="radio" name="where" value="any" checked={isAny} onChange={() => setAny(true)} /> <span>everything</span>
        </label>
      </div>
      <div hidden={isAny} class="rule-where">
        {names.length > 0 && (
          <div class="choices" role="group" aria-label="Domain lists">
            {names.map((name) => (
              <label key={name} class="check">
                <input type="checkbox" name="list" value={name} defaultChecked={chosen.includes(name)} /> <span>{name}</span>
              </label>
            ))}
          </div>
        )}
        <label>
          <span>Prefixes and addresses</span>
          <input name="places" defaultValue={placesTo(rule).join(", ")} placeholder="203.0.113.0/24, 2001:db8::7" spellcheck={false} />
        </label>
        <label class="check">
          <input type="checkbox" name="unknown" defaultChecked={rule.unknown} /> <span>also what names nobody and was not learned</span>
        </label>
        <p class="note">
          A name that a client hides (ECH, no SNI) is not seen: its address decides. A connection of HTTP/2 or HTTP/3 that serves several names goes where the
          first one goes.
        </p>
      </div>
      <label>
        <span>Ports, all if empty</span>
        <input name="ports" defaultValue={(rule.ports ?? []).join(", ")} placeholder="tcp/443, udp/443" spellcheck={false} />
      </label>
    </fieldset>
  );
}

function What({ rule, groups }: { rule: PolicyRule; groups: Resource[] }) {
  const [deed, setDeed] = useState<Deed>(deedOf(rule));
  return (
    <fieldset>
      <legend>What becomes of it</legend>
      <div class="form-row">
        <label>
          <span>Its flows</span>
          <select name="deed" value={deed} onChange={(event) => setDeed(event.currentTarget.value as Deed)}>
            {DEEDS.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
        {deed === "via" && (
          <>
            <label>
              <span>Gateway-group</span>
              <select name="via" required>
                {withChosen(groups, rule.via ? [nameIn(rule.via)] : []).map((name) => (
                  <option key={name} value={name} selected={name === nameIn(rule.via ?? "")}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span>When none of it is well</span>
              <select name="otherwise">
                <option value="block">nothing passes</option>
                <option value="direct" selected={rule.otherwise === "direct"}>
                  the host's own way
                </option>
              </select>
            </label>
          </>
        )}
      </div>
      <label>
        <span>Comment</span>
        <input name="comment" defaultValue={rule.comment ?? ""} maxLength={500} />
      </label>
    </fieldset>
  );
}

export function RuleDialog({ policy, at, lists, groups, onClose }: RuleDialogProps) {
  const rule: PolicyRule = (at === null ? undefined : rulesOf(policy)[at]) ?? { to: [], ...(groups[0] ? { via: groups[0].name } : {}) };
  const spec = (fields: FormData, opened: Resource) => {
    const rules = rulesOf(opened);
    const place = at ?? placeOfNew(rules);
    const next = [...rules.slice(0, place), ruleOf(fields), ...rules.slice(at === null ? place : place + 1)];
    return { ...(opened.spec as PolicySpec), rules: next };
  };
  const title = at === null ? `New rule of ${policy.name}` : `Rule ${at + 1} of ${policy.name}`;
  return (
    <EditDialog title={title} kind="policies" resource={policy} spec={spec} onClose={onClose}>
      <Where rule={rule} lists={lists} />
      <What rule={rule} groups={groups} />
    </EditDialog>
  );
}
