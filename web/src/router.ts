// Paths of the views. What has a dot in its name (links) stands in the query: the controller answers paths with a dot
// as files.
import { useEffect, useState } from "preact/hooks";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  changed();
}

/** Follows links of this page without a reload; all others are left to the browser. */
export function followLinks(): void {
  addEventListener("popstate", changed);
  document.addEventListener("click", (event) => {
    const anchor = (event.target as Element | null)?.closest?.("a");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!anchor || !isPlain || event.defaultPrevented || anchor.target || !anchor.hasAttribute("data-view")) return;
    event.preventDefault();
    if (anchor.href !== location.href) go(anchor.getAttribute("href") ?? "/");
    scrollTo(0, 0);
  });
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const look = () => setPlace(here());
    listeners.add(look);
    return () => void listeners.delete(look);
  }, []);
  return place;
}

export function nodePath(name: string): string {
  return `/nodes/${encodeURIComponent(name)}`;
}

/** The charts of a link, as `node` measures it; `link` is network and peer. */
export function linkPath(node: string, link: string, { span, at }: { span?: string; at?: string | null } = {}): string {
  const query = new URLSearchParams({ node, link });
  if (span) query.set("span", span);
  if (at) query.set("at", at);
  return `/link?${query}`;
}

export function configPath(kind?: string, name?: string): string {
  const query = new URLSearchParams();
  if (kind) query.set("kind", kind);
  if (name) query.set("name", name);
  return kind ? `/config?${query}` : "/config";
}
