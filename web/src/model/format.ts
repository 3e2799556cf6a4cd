// Numbers and times for people.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1,234,567 -> "1.23 MB": three digits that matter. */
export function bytes(value: number): string {
  let n = value;
  let unit = 0;
  while (n >= 999.5 && unit < UNITS.length - 1) {
    n /= 1000;
    unit++;
  }
  const digits = unit === 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return `${n.toFixed(digits)} ${UNITS[unit]}`;
}

/** Bytes per second as bits: what links are sold by. */
export function rate(bytesPerSecond: number): string {
  const text = bytes(bytesPerSecond * 8);
  return text.replace(/B$/, "bit/s");
}

export function count(value: number): string {
  return value.toLocaleString("en-GB");
}

/** "1 node", "2 nodes" */
export function plural(n: number, word: string, many = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : many}`;
}

const STEPS: [number, string][] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** 4000 -> "4 s", 5400000 -> "1 h 30 min" */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const at = STEPS.findIndex(([size]) => seconds >= size);
  const [size, unit] = STEPS[at < 0 ? 3 : at] as [number, string];
  const whole = Math.floor(seconds / size);
  const next = STEPS[at + 1];
  const rest = next && at < 2 ? Math.floor((seconds % size) / next[0]) : 0;
  return rest && next && whole < 10 ? `${whole} ${unit} ${rest} ${next[1]}` : `${whole} ${unit}`;
}

/** "just now", "4 min ago", "in 2 h" */
export function ago(ms: number, now: number): string {
  const gone = now - ms;
  if (gone < -1500) return `in ${duration(-gone)}`;
  return gone < 1500 ? "just now" : `${duration(gone)} ago`;
}

export function clock(ms: number): string {
  const date = new Date(ms);
  const pad = (n: number, width = 2) => String(n).padStart(width, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** The same with its zone, for titles. */
export function clockExact(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const pad = (n: number) => String(Math.floor(n)).padStart(2, "0");
  const zone = minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "-" : "+"}${pad(Math.abs(minutes) / 60)}:${pad(Math.abs(minutes) % 60)}`;
  return `${clock(ms)} ${zone}`;
}

/** Microseconds with two or three digits that matter: "0.63 ms", "12.4 ms", "1.52 s". */
export function span(us: number): string {
  const ms = us / 1000;
  if (ms >= 999.5) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms >= 99.95 ? 0 : ms >= 9.995 ? 1 : 2)} ms`;
}

/** 0.0312 -> "3.1 %" */
export function share(part: number): string {
  const percent = part * 100;
  return `${percent === 0 || percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}
