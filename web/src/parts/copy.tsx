// A line to be copied whole.
import { useEffect, useRef, useState } from "preact/hooks";

async function toClipboard(text: string, line: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (!line) return false;
    getSelection()?.selectAllChildren(line);
    return document.execCommand("copy");
  }
}

export function CopyLine({ text, label }: { text: string; label: string }) {
  const line = useRef<HTMLElement>(null);
  const [outcome, setOutcome] = useState<"" | "Copied" | "Select and copy">("");
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = setTimeout(() => setOutcome(""), 2500);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => setOutcome((await toClipboard(text, line.current)) ? "Copied" : "Select and copy");
  return (
    <div class="copy">
      <code ref={line} class="copy-line" tabIndex={0} role="textbox" aria-readonly="true" aria-label={label}>
        {text}
      </code>
      <button type="button" class="primary" onClick={copy}>
        {outcome || "Copy"}
      </button>
      <span class="hidden" role="status">
        {outcome}
      </span>
    </div>
  );
}
