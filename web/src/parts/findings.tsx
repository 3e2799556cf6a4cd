// What else is on a host and stands in Weft's way, as the node found it.
import type { NodeDetail } from "../live/shapes";
import { text } from "../model/entries";
import { plural } from "../model/format";
import { Lines } from "./doctor";
import { Section } from "./section";

export function Findings({ detail }: { detail: NodeDetail }) {
  const found = Object.keys(detail.entries)
    .filter((key) => key.startsWith("finding/"))
    .map((key) => ({
      check: key.split("/")[1] ?? "",
      grade: text(detail.entries[key], "grade") === "bad" ? ("bad" as const) : ("warn" as const),
      text: text(detail.entries[key], "text") ?? "",
      cure: text(detail.entries[key], "cure") ?? "",
    }));
  if (found.length === 0) return null;
  return (
    <Section title="Conflicts" note={plural(found.length, "line")}>
      <Lines lines={found} />
    </Section>
  );
}
