// The page's end of the event stream. One stream serves all pages of a browser: a shared worker holds it, or, where the
// worker cannot reach the controller, one of the pages does for the others.
//
// The second way is not rare: browsers let a person accept a certificate they do not know for pages, but not for workers,
// and Weft's own authority is unknown to them.
import { Feed, type FeedSink } from "./feed";
import type { FromWorker, ToWorker } from "./worker";

export interface Link {
  want(samples: boolean): void;
  close(): void;
}

type Among = FromWorker | { type: "want"; page: string; samples: boolean };

const NAME = "weft-feed";
const BEAT_MS = 15000;
const SILENT_MS = 180000;
const DOUBT_MS = 1500;

function deliver(sink: FeedSink, message: FromWorker): void {
  if (message.type === "item") sink.item(message.item);
  else sink.state(message.state);
}

/** Who gets the lock holds the stream and tells the other pages; when it leaves, the next one takes over. */
function amongPages(sink: FeedSink): Link {
  const channel = new BroadcastChannel(NAME);
  const page = crypto.randomUUID();
  const others = new Map<string, { samples: boolean; heard: number }>();
  const leaving = new AbortController();
  let samples = false;
  let feed: Feed | null = null;
  let release = () => {};
  const post = (message: Among) => channel.postMessage(message);
  const tell = (message: FromWorker) => {
    deliver(sink, message);
    post(message);
  };
  const settle = () => {
    const fresh = [...others.values()].filter((other) => Date.now() - other.heard < SILENT_MS);
    feed?.want(samples || fresh.some((other) => other.samples));
  };
  const beat = () => (feed ? settle() : post({ type: "want", page, samples }));
  channel.onmessage = ({ data }: MessageEvent<Among>) => {
    if (data.type !== "want") {
      if (!feed) deliver(sink, data);
      return;
    }
    others.set(data.page, { samples: data.samples, heard: Date.now() });
    if (feed) post({ type: "state", state: feed.present });
    settle();
  };
  const lead = () =>
    new Promise<void>((done) => {
      release = done;
      feed = new Feed({ item: (item) => tell({ type: "item", item }), state: (state) => tell({ type: "state", state }) });
      settle();
    });
  navigator.locks.request(NAME, { signal: leaving.signal }, lead).catch(() => {}); // left before its turn came
  const timer = setInterval(beat, BEAT_MS);
  return {
    want(wanted) {
      samples = wanted;
      beat();
    },
    close() {
      clearInterval(timer);
      leaving.abort();
      feed?.close();
      release();
      channel.close();
    },
  };
}

function throughWorker(sink: FeedSink): Link {
  const worker = new SharedWorker("/assets/feed.js", { name: NAME });
  let samples = false;
  let inner: Link | null = null;
  let isLost = false;
  const post = (message: ToWorker) => worker.port.postMessage(message);
  const beat = setInterval(() => !inner && post({ type: "want", samples }), BEAT_MS);
  const leave = () => post({ type: "bye" });
  const comeBack = (event: PageTransitionEvent) => event.persisted && !inner && post({ type: "want", samples });
  const turnAway = () => {
    if (inner) return;
    leave();
    inner = amongPages(sink);
    inner.want(samples);
  };
  // The worker has lost the controller: has this page too?
  const doubt = async () => {
    await new Promise((resolve) => setTimeout(resolve, DOUBT_MS));
    const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
    if (isLost && answer?.ok) turnAway();
    else if (isLost && !inner) setTimeout(() => void doubt(), DOUBT_MS * 2);
  };
  worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (inner) return;
    const wasLost = isLost;
    isLost = data.type === "state" ? data.state === "lost" : false;
    if (isLost && !wasLost) void doubt();
    deliver(sink, data);
  };
  worker.onerror = turnAway;
  addEventListener("pagehide", leave);
  addEventListener("pageshow", comeBack);
  return {
    want(wanted) {
      samples = wanted;
      if (inner) inner.want(samples);
      else post({ type: "want", samples });
    },
    close() {
      isLost = false;
      clearInterval(beat);
      removeEventListener("pagehide", leave);
      removeEventListener("pageshow", comeBack);
      inner?.close();
      leave();
      worker.port.close();
    },
  };
}

export function openLink(sink: FeedSink): Link {
  return typeof SharedWorker === "function" ? throughWorker(sink) : amongPages(sink);
}
