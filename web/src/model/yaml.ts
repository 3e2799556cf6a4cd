// Specs as YAML or JSON text and back.
import { CORE_SCHEMA, dump, load } from "js-yaml";

// Lists on one line, as in `mesh: [rho, bob]`, unless there is much of them.
const FLOW_MAX = 600;

export type Notation = "yaml" | "json";

export function write(spec: unknown, notation: Notation): string {
  if (notation === "json") return `${JSON.stringify(spec, null, 2)}\n`;
  const flowLevel = JSON.stringify(spec).length < FLOW_MAX ? 1 : -1;
  const isEmpty = typeof spec === "object" && spec !== null && Object.keys(spec).length === 0;
  return isEmpty ? "" : dump(spec, { schema: CORE_SCHEMA, flowLevel, flowSkipCommaSpace: false, noRefs: true });
}

/** The object in a text; throws an Error with one sentence when it is none. */
export function read(text: string, notation: Notation): Record<string, unknown> {
  if (!text.trim()) return {};
  const value: unknown = notation === "json" ? JSON.parse(text) : load(text, { schema: CORE_SCHEMA });
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("A spec is fields and their values, not a list or one word.");
  return value as Record<string, unknown>;
}
