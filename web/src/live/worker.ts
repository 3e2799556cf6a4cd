// The shared worker: one event stream for all pages of this browser, handed to each.
import { Feed, type FeedItem, type FeedState } from "./feed";

export type ToWorker = { type: "want"; samples: boolean } | { type: "bye" };
export type FromWorker = { type: "item"; item: FeedItem } | { type: "state"; state: FeedState };

interface Page {
  port: MessagePort;
  samples: boolean;
  heard: number;
}

// A page says `want` every 15 s; a hidden one may be slowed down to once a minute.
const SILENT_MS = 180000;

const pages = new Set<Page>();

function tellAll(message: FromWorker): void {
  for (const page of pages) page.port.postMessage(message);
}

const feed = new Feed({
  item: (item) => tellAll({ type: "item", item }),
  state: (state) => tellAll({ type: "state", state }),
});

function settle(): void {
  for (const page of pages) if (Date.now() - page.heard > SILENT_MS) pages.delete(page);
  if (pages.size === 0) feed.close();
  else feed.want([...pages].some((page) => page.samples));
}

const scope = self as unknown as { onconnect: (event: MessageEvent) => void };

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  const page: Page = { port, samples: false, heard: Date.now() };
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    if (message.data.type === "bye") {
      pages.delete(page);
    } else {
      page.heard = Date.now();
      page.samples = message.data.samples;
      if (!pages.has(page)) {
        pages.add(page);
        port.postMessage({ type: "state", state: feed.present } satisfies FromWorker);
      }
    }
    settle();
  };
};

setInterval(settle, 30000);
