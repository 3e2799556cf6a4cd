// Makes src/api/schema.ts (a type for each schema) and src/api/fields.ts (what an operator may write, for the editor's
// field list) from api/openapi.yaml, which is the truth about both. Written only when something changed.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(web, "../api/openapi.yaml");
const schemas = load(readFileSync(source, "utf8")).components.schemas;
const head = "// Made from api/openapi.yaml by tools/types.mjs; not edited by hand.\n";

const scalars = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

function refName(ref) {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

function typeOf(schema, indent) {
  if (schema.$ref) return refName(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, indent)).join(" & ");
  if (schema.anyOf) return schema.anyOf.map((part) => typeOf(part, indent)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(" | ");
  if (schema.type === "array") return arrayType(schema, indent);
  if (schema.type === "object") return objectType(schema, indent);
  return scalars[schema.type] ?? "unknown";
}

function arrayType(schema, indent) {
  const item = typeOf(schema.items ?? {}, indent);
  return item.includes("|") || item.includes("&") ? `(${item})[]` : `${item}[]`;
}

function objectType(schema, indent) {
  const required = new Set(schema.required ?? []);
  const inner = indent + "  ";
  const lines = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    const text = property.description ? `${inner}/** ${property.description.trim()} */\n` : "";
    return `${text}${inner}${key}${required.has(name) ? "" : "?"}: ${typeOf(property, inner)};\n`;
  });
  if (!lines.length) {
    const more = schema.additionalProperties;
    return `Record<string, ${typeof more === "object" ? typeOf(more, indent) : "unknown"}>`;
  }
  return `{\n${lines.join("")}${indent}}`;
}

function typesText() {
  const parts = Object.entries(schemas).map(([name, schema]) => {
    const text = schema.description ? `/** ${schema.description.trim()} */\n` : "";
    return `${text}export type ${name} = ${typeOf(schema, "")};\n`;
  });
  return head + "\n" + parts.join("\n");
}

function wordFor(schema) {
  if (schema.$ref) return wordFor(schemas[refName(schema.$ref)]);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema["x-kind"]) return `one of ${schema["x-kind"]}`;
  if (schema.type === "array") return `list of ${manyOf(schema.items)}`;
  if (schema.type === "object") return "object";
  return schema.format ?? schema.type ?? "any";
}

function manyOf(schema) {
  if (schema["x-kind"]) return schema["x-kind"];
  if (schema.type === "array") return `pairs of ${manyOf(schema.items)}`;
  const word = wordFor(schema);
  return /[a-z]$/.test(word) && !schema.enum ? word.replace(/x$/, "xe") + "s" : word;
}

function fieldsOf(name) {
  const schema = schemas[name];
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([field, property]) => ({
    name: field,
    type: wordFor(property),
    required: required.has(field),
    text: property.description ?? schemas[refName(property.$ref ?? "/")]?.description ?? "",
  }));
}

function fieldsText() {
  const kinds = Object.entries(schemas.Resources.properties);
  const rows = kinds.map(([kind, schema]) => {
    const spec = refName(schema.additionalProperties.$ref);
    return `  ${JSON.stringify(kind)}: ${JSON.stringify({ about: schemas[spec].description, fields: fieldsOf(spec) })},\n`;
  });
  return (
    `${head}\nimport type { Kind } from "./schema";\n\n` +
    "export interface Field {\n  name: string;\n  type: string;\n  required: boolean;\n  text: string;\n}\n\n" +
    `export const kinds: Record<Kind, { about: string; fields: Field[] }> = {\n${rows.join("")}};\n`
  );
}

function write(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

write(join(web, "src/api/schema.ts"), typesText());
write(join(web, "src/api/fields.ts"), fieldsText());
