// The one sentence, by examples; no browser.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const web = join(dirname(fileURLToPath(import.meta.url)), "../../../web");
const isBuilt = existsSync(join(web, "node_modules/esbuild"));
const options = { skip: isBuilt ? false : "web/ is not built here" };
const NOW = Date.parse("2026-01-01T03:00:00Z");

async function verdictOf(state, topology = null) {
  const { buildSync } = createRequire(join(web, "package.json"))("esbuild");
  const built = buildSync({ entryPoints: [join(web, "src/model/verdict.ts")], bundle: true, format: "esm", write: false });
  const module = await import(`data:text/javascript,${encodeURIComponent(built.outputFiles[0].text)}`);
  return module.verdictOf(state, topology, NOW);
}

function ago(ms) {
  return new Date(NOW - ms).toISOString();
}

function node(name, more = {}) {
  return { name, id: 1, connected: true, target: 12, applied: 12, lag: 0, errors: [], health: "ok", since: ago(60000), errors_total: 0, ...more };
}

function fleet(nodes, counts = {}) {
  return { controller: "c", revision: 12, now: "", nodes, counts, pending: [] };
}

test("all is well", options, async () => {
  const names = ["a", "b", "c"].map((name) => node(name));
  const { grade, text } = await verdictOf(fleet(names, { links_up: 3 }));
  assert.equal(grade, "ok");
  assert.equal(text, "All 3 nodes are up to date at revision 12; all 3 links are up.");
});

test("who is offline for how long, and who lags and why", options, async () => {
  const pi0 = node("pi0", { connected: false, health: "offline", since: ago(185000) });
  const errors = [{ entry: "peer/home/bob", text: "its endpoint has no address" }];
  const rho = node("rho", { health: "error", applied: 10, lag: 2, errors });
  const { grade, text, node: first } = await verdictOf(fleet([node("a"), pi0, rho]));
  assert.equal(grade, "bad");
  assert.equal(text, "pi0 is offline for 3 min; rho lags by 2 revisions: peer/home/bob: its endpoint has no address.");
  assert.equal(first, "pi0");
});

test("a link that is down is named, but not one to a node that is away", options, async () => {
  const nodes = [node("a"), node("b"), node("z", { connected: false, health: "offline" })];
  const links = [
    { network: "home", a: "a", b: "b", state: "down" },
    { network: "home", a: "a", b: "z", state: "down" },
  ];
  const { text } = await verdictOf(fleet(nodes), { nodes: [], segments: [], links });
  assert.equal(text, "z is offline for 1 min; the link a – b is down.");
});

test("the worst comes first and many are counted", options, async () => {
  const lagging = ["a", "b", "c", "d"].map((name) => node(name, { health: "lagging", lag: 1 }));
  const { grade, text } = await verdictOf(fleet([...lagging, node("z", { connected: false, health: "offline", since: null })]));
  assert.equal(grade, "bad");
  assert.match(text, /^z is offline; a lags by 1 revision; b lags by 1 revision; and 2 more\.$/);
});

test("a host that waits for approval comes before nodes that only never came", options, async () => {
  const state = fleet([node("a"), node("b", { connected: false, health: "never", since: null })]);
  state.pending = [{ name: "z", source: "198.51.100.7", public_key: "", since: ago(5000) }];
  const { grade, text, node: first } = await verdictOf(state);
  assert.equal(grade, "warn");
  assert.equal(text, "z waits for approval; b has never connected.");
  assert.equal(first, null);
});

test("links that nobody tells of are not called up, and one that is off is not missed", options, async () => {
  const links = [["a", "b", "up"], ["a", "c", "unknown"], ["b", "c", "disabled"]].map(([a, b, state]) => ({ network: "home", a, b, state }));
  const { text } = await verdictOf(fleet(["a", "b", "c"].map((name) => node(name))), { nodes: [], segments: [], links });
  assert.equal(text, "All 3 nodes are up to date at revision 12; 1 of 2 links are up, no end tells of the others yet.");
});

test("an empty fleet is no trouble", options, async () => {
  assert.equal((await verdictOf(fleet([]))).grade, "note");
});
