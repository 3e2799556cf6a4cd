// What only a running fleet can show.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { api, breaks, broken, fleetTest, live, until, url, useBrowser } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();

async function state(page) {
  return (await api(page, "GET", "/api/v1/state")).body;
}

async function opened(path) {
  const page = await browser.open();
  await page.goto(path);
  await live(page);
  return page;
}

async function someNode(page) {
  const { nodes } = await state(page);
  return nodes.find((node) => node.connected).name;
}

fleetTest("the overview says in one sentence how the fleet is, and counts as the controller does", async () => {
  const page = await opened("/");
  // Both may change between the two looks, so they must agree within a while, not at the first.
  const agrees = ({ nodes, revision }, sentence) =>
    nodes.every((node) => node.health === "ok")
      ? new RegExp(`revision ${revision}|link`).test(sentence)
      : nodes.some((node) => node.health !== "ok" && sentence.includes(node.name));
  let seen, sentence;
  for (const end = Date.now() + 15000; ; await page.waitForTimeout(200)) {
    seen = await state(page);
    sentence = await page.locator(".verdict p").innerText();
    if (agrees(seen, sentence)) break;
    assert.ok(Date.now() < end, `${sentence} but ${JSON.stringify(seen.nodes.map(({ name, health }) => ({ name, health })))}`);
  }
  const { nodes } = seen;
  assert.equal(await page.locator("table.nodes tbody tr").count(), nodes.length);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-overview.png"), fullPage: true });
  await page.context().close();
});

fleetTest("a node's page shows peers with endpoint and live rates, and its ports as brctl showstp does", async () => {
  const page = await opened("/");
  const name = await someNode(page);
  await page.getByRole("link", { name, exact: true }).first().click();
  const peers = page.getByRole("region", { name: `Peers of ${name}` });
  await peers.getByText(/bit\/s/).first().waitFor({ timeout: 15000 });
  await peers.getByText(/:\d+$/).first().waitFor();
  const ports = page.getByRole("region", { name: /^Ports of the bridge/ }).first();
  await ports.getByText(/forwarding|blocking/).first().waitFor();
  await page.getByText("designated root").first().waitFor();
  await page.getByText("hello timer").first().waitFor();
  await page.getByText("Wanted beside seen").click();
  await page.getByRole("region", { name: "Entries" }).getByText("there").first().waitFor();
  assert.deepEqual(await page.evaluate(lowContrast), []);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-node.png"), fullPage: true });
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await page.context().close();
});

fleetTest("the Doctor button has a node examine itself, and says first what needs a look", async () => {
  const page = await opened("/");
  const name = await someNode(page);
  await page.goto(`/nodes/${name}`);
  const answer = page.waitForResponse((response) => response.url().endsWith(`/nodes/${name}/doctor`), { timeout: 70000 });
  await page.getByRole("button", { name: "Doctor" }).click();
  const dialog = page.getByRole("dialog", { name: `Doctor: ${name}` });
  await dialog.getByText("looks at itself").waitFor();
  const { lines } = await (await answer).json();
  await dialog.getByText(/lines? of \d+ needs? a look|lines are well/).waitFor({ timeout: 5000 });
  const shown = await dialog.locator(".doctor-line > strong").allInnerTexts();
  const rank = { bad: 0, warn: 1, ok: 2 };
  assert.deepEqual(shown, lines.map((line) => line.grade).sort((a, b) => rank[a] - rank[b]));
  for (const check of ["udp", "clock", "firewall"]) assert.ok(lines.some((line) => line.check === check), check);
  const text = await dialog.innerText();
  for (const line of lines.filter(({ cure }) => cure)) assert.ok(text.includes(line.cure), line.cure);
  assert.deepEqual(await page.evaluate(lowContrast), []);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-doctor.png") });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.context().close();
});

fleetTest("the link matrix and the topology show each link, and blocked ports beside forwarding ones", async () => {
  const page = await opened("/links");
  const topology = (await api(page, "GET", "/api/v1/topology")).body;
  const network = topology.links[0].network;
  const links = topology.links.filter((link) => link.network === network);
  await page.locator(".cell-up").first().waitFor();
  const cells = await page.locator(".cell-up, .cell-down, .cell-unknown, .cell-never, .cell-disabled").count();
  assert.equal(cells, links.length * 2);
  // Nodes are asked for figures now, and tell what their probes measure; a cell leads to the charts.
  await page.locator(".cell-up .cell-figure", { hasText: / (ms|s)$/ }).first().waitFor({ timeout: 20000 });
  assert.match(await page.locator(".cell-up").first().getAttribute("title"), /up, [\d.]+ m?s, jitter [\d.]+ m?s, [\d.]+ % lost/);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-links.png"), fullPage: true });
  await page.getByRole("navigation", { name: "Views" }).getByText("Topology").click();
  await page.locator(".graph canvas").first().waitFor();
  const blocked = topology.segments[0].ports.filter((port) => port.state === "blocking").length;
  const table = page.getByRole("region", { name: "Bridge ports" });
  await until("the table shows the blocked ports", async () => (await table.getByText("blocking").count()) === blocked);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-topology.png"), fullPage: true });
  await page.context().close();
});

fleetTest("what the controller answers about real nodes is what openapi.yaml says", async () => {
  const { cookies } = JSON.parse(readFileSync(process.env.WEFT_STATE, "utf8"));
  const { name, value } = cookies.find((cookie) => cookie.name === "__Host-weft");
  const script = join(dirname(fileURLToPath(import.meta.url)), "../../api/live.py");
  execFileSync("python3", [script, url], { env: { ...process.env, WEFT_COOKIE: `${name}=${value}` }, stdio: ["ignore", "ignore", "pipe"] });
});

test("a link that is cut: the tree takes another way and back, shown without a reload", breaks("WEFT_CUT", "WEFT_HEAL"), async () => {
  const page = await opened("/topology");
  const blocked = page.getByRole("region", { name: "Bridge ports" }).getByText("blocking");
  await blocked.first().waitFor();
  const before = await blocked.count();
  await broken("WEFT_CUT", "WEFT_HEAL", async () => {
    await until("a blocked port takes over", async () => (await blocked.count()) < before, 60000);
    await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-cut.png"), fullPage: true });
  });
  await until("the port blocks again", async () => (await blocked.count()) === before, 60000);
  await page.context().close();
});

test("a node that goes away is named at the top, and its page says how old it is", breaks("WEFT_AWAY", "WEFT_BACK"), async () => {
  const page = await opened("/");
  const row = page.locator("table.nodes tbody tr").first();
  let name;
  await broken("WEFT_AWAY", "WEFT_BACK", async () => {
    await row.getByText("offline", { exact: true }).waitFor({ timeout: 60000 });
    name = await row.getByRole("link").innerText();
    await page.locator(".verdict-bad", { hasText: `${name} is offline` }).waitFor();
    await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-away.png"), fullPage: true });
    await row.getByRole("link").click();
    await page.getByText("What follows is what it told last").waitFor();
  });
  await page.getByRole("heading", { name }).getByText("ok").waitFor({ timeout: 60000 });
  await page.getByText("What follows is what it told last").waitFor({ state: "detached" });
  await page.context().close();
});

const long = process.env.WEFT_LONG ? breaks("WEFT_CUT", "WEFT_HEAL") : { skip: "takes three minutes: WEFT_LONG=1" };

test("a link that is cut is called down, and up again when it is healed, without a reload", long, async () => {
  const page = await opened("/links");
  await page.locator(".cell-up").first().waitFor();
  const down = page.locator(".cell-down");
  const before = await down.count();
  await broken("WEFT_CUT", "WEFT_HEAL", () => until("the cut is shown", async () => (await down.count()) > before, 240000));
  await until("the healing is shown", async () => (await down.count()) === before, 60000);
  await page.context().close();
});
