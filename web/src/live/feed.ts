// One event stream from the controller: opens it, keeps it, says whether it stands. Runs in the shared worker, or in the
// page where there is none.
//
// EventSource resumes by itself with Last-Event-ID. What it cannot notice is a connection that died in silence; so after
// a quiet time the controller is asked, and without an answer the stream is begun anew.

export interface FeedItem {
  event: string;
  data: string;
  id: string;
}

export type FeedState = "connecting" | "up" | "lost" | "denied";

export interface FeedSink {
  item(item: FeedItem): void;
  state(state: FeedState): void;
}

/** The number in an id "<controller>-<sequence>", 0 for none. */
export function sequenceOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1)) || 0;
}

const EVENTS = ["node", "entry", "sample", "revision", "event", "reset"];
const QUIET_MS = 20000;
const ANSWER_MS = 8000;
const RETRY_MS = 2500;

export class Feed {
  private source: EventSource | null = null;
  private state: FeedState = "connecting";
  private wantsSamples = false;
  private lastSequence = 0;
  private lastHeard = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly sink: FeedSink) {}

  get present(): FeedState {
    return this.state;
  }

  /** Opens the stream, or changes whether it carries samples: the new one stands before the old one goes. */
  want(samples: boolean): void {
    if (this.source && samples === this.wantsSamples && this.state !== "denied") return;
    this.wantsSamples = samples;
    this.open();
    this.watch ??= setInterval(() => void this.checkQuiet(), 5000);
  }

  close(): void {
    clearTimeout(this.retry);
    clearInterval(this.watch);
    this.watch = undefined;
    this.source?.close();
    this.source = null;
    this.lastSequence = 0;
    this.state = "connecting";
  }

  private tell(state: FeedState): void {
    if (this.state === state) return;
    this.state = state;
    this.sink.state(state);
  }

  private open(): void {
    clearTimeout(this.retry);
    const old = this.source;
    const isGap = this.state !== "up";
    const source = new EventSource(`/api/v1/events${this.wantsSamples ? "?samples=true" : ""}`);
    this.source = source;
    source.onopen = () => {
      old?.close();
      this.lastHeard = Date.now();
      // A stream begun anew after a loss starts at the present: what came between must be read.
      if (isGap) this.sink.item({ event: "reset", data: "{}", id: "" });
      this.tell("up");
    };
    source.onerror = () => {
      old?.close();
      if (this.source !== source) return;
      if (source.readyState === EventSource.CLOSED) void this.ended();
      else this.tell("lost");
    };
    for (const event of EVENTS) source.addEventListener(event, (message) => this.hear(event, message));
  }

  // While one stream replaces another both may tell the same: sequences only grow, so the second is dropped.
  private hear(event: string, message: MessageEvent<string>): void {
    const sequence = sequenceOf(message.lastEventId);
    if (event !== "reset" && sequence && sequence <= this.lastSequence) return;
    this.lastSequence = sequence;
    this.lastHeard = Date.now();
    this.tell("up");
    this.sink.item({ event, data: message.data, id: message.lastEventId });
  }

  // The stream was refused: signed out, or the controller cannot serve one now.
  private async ended(): Promise<void> {
    this.source = null;
    const status = await this.ask("/api/v1/session");
    if (status === 401) {
      this.tell("denied");
      return;
    }
    this.tell("lost");
    this.retry = setTimeout(() => this.open(), RETRY_MS);
  }

  private async checkQuiet(): Promise<void> {
    if (this.state !== "up" || Date.now() - this.lastHeard < QUIET_MS) return;
    const source = this.source;
    const status = await this.ask("/api/v1/session");
    if (source !== this.source) return;
    this.lastHeard = Date.now();
    if (status === 200) return;
    source?.close();
    this.source = null;
    this.tell(status === 401 ? "denied" : "lost");
    if (status !== 401) this.retry = setTimeout(() => this.open(), RETRY_MS);
  }

  private async ask(path: string): Promise<number> {
    try {
      return (await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS) })).status;
    } catch {
      return 0;
    }
  }
}
