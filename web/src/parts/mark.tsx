// The sign of a state: a shape and a colour, always beside a word.

export type MarkState =
  | "ok" | "up" | "forwarding" | "degraded" | "lagging" | "error" | "down" | "offline" | "never" | "unknown" | "blocking" | "disabled"
  | "info" | "warning" | "learning";

type Shape = "disc" | "ring" | "dots" | "triangle" | "cross" | "bar" | "dash";

const SHAPES: Record<MarkState, [Shape, string]> = {
  ok: ["disc", "good"],
  up: ["disc", "good"],
  forwarding: ["disc", "good"],
  degraded: ["triangle", "warn"],
  lagging: ["triangle", "warn"],
  warning: ["triangle", "warn"],
  learning: ["triangle", "warn"],
  error: ["cross", "bad"],
  down: ["cross", "bad"],
  offline: ["ring", "bad"],
  never: ["dots", "dim"],
  unknown: ["dots", "dim"],
  blocking: ["bar", "calm"],
  disabled: ["dash", "dim"],
  info: ["dash", "dim"],
};

function drawn(shape: Shape) {
  switch (shape) {
    case "disc":
      return <circle cx="8" cy="8" r="5" fill="currentColor" />;
    case "ring":
      return <circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="2.4" />;
    case "dots":
      return <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 2.2" />;
    case "triangle":
      return <path d="M8 2.4 14.4 13.4H1.6z" fill="currentColor" />;
    case "cross":
      return <path d="M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8" stroke="currentColor" stroke-width="2.8" stroke-linecap="round" />;
    case "bar":
      return <path d="M8 2.5v11M3 8h5" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />;
    case "dash":
      return <path d="M4 8h8" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />;
  }
}

/** What no traffic is to use, as before maintenance. */
export function Drained({ is }: { is: boolean | undefined }) {
  return is ? <State state="disabled" word="drained" /> : null;
}

const WORDS: Partial<Record<MarkState, string>> = { never: "never connected" };

function known(state: string): MarkState {
  if (state === "listening") return "learning";
  return state in SHAPES ? (state as MarkState) : "unknown";
}

export function Mark({ state }: { state: string }) {
  const [shape, tone] = SHAPES[known(state)];
  return (
    <svg class={`mark tone-${tone}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      {drawn(shape)}
    </svg>
  );
}

/** The mark and its word. */
export function State({ state, word }: { state: string; word?: string }) {
  const [, tone] = SHAPES[known(state)];
  return (
    <span class={`state tone-${tone}`}>
      <Mark state={state} />
      <span>{word ?? WORDS[known(state)] ?? state}</span>
    </span>
  );
}
