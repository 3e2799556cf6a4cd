// The page of the policy DNS: lists that tell what is wrong, records that are edited, questions that are picked into a list.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { api, live, until, useBrowser } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();
const NODE = "web-dns";
const MADE = ["resolvers/web-dns", "blocklists/web-dns", "domain-lists/web-dns", "domain-lists/web-picked", "dns-zones/web-dns", `nodes/${NODE}`];

async function put(page, path, body) {
  const { status, body: answer } = await api(page, "PUT", `/api/v1/${path}`, body);
  assert.ok(status === 200 || status === 201, `${path}: ${status} ${JSON.stringify(answer)}`);
}

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A web server of a list, where the controller lives; `serve(text)` is what it gives from then on. */
async function withList(body) {
  const there = (process.env.WEFT_ON_CONTROLLER ?? "").split(" ").filter(Boolean);
  const directory = mkdtempSync(join(tmpdir(), "weft-list-"));
  const file = join(directory, "ads.txt");
  let stamp = Date.now() / 1000;
  const serve = (text) => {
    writeFileSync(file, text);
    stamp += 5; // it is asked whether it is newer, to the second
    utimesSync(file, stamp, stamp);
  };
  serve("ads.example\nbroken!\ntracker.example\n");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/ads.txt`;
  const words = [...there, "python3", "-m", "http.server", String(port), "--bind", "127.0.0.1", "--directory", directory];
  const server = spawn(words[0], words.slice(1), { stdio: "ignore" });
  const ask = [...there, "curl", "-sf", "-o", "/dev/null", url];
  try {
    await until("the list is served", async () => spawnSync(ask[0], ask.slice(1)).status === 0);
    await body(url, serve);
  } finally {
    server.kill();
    rmSync(directory, { recursive: true });
  }
}

async function cleared(page) {
  for (const path of MADE) await api(page, "DELETE", `/api/v1/${path}`);
  await page.context().close();
}

/** No node answers here: the log is the one of `rows`, as the controller would tell it. */
async function tellRows(page, rows) {
  await page.route(`**/api/v1/nodes/${NODE}/dns/log?*`, (route) => {
    const since = new URL(route.request().url()).searchParams.get("since");
    return route.fulfill({ json: { node: NODE, rows: rows.filter((row) => !since || row.at > since) } });
  });
}

test("lists, records and questions of the policy DNS", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  await withList(async (url, serve) => {
    await put(page, `nodes/${NODE}`, {});
    await put(page, "domain-lists/web-dns", { url });
    await put(page, "blocklists/web-dns", { lists: ["web-dns"] });
    await put(page, "dns-zones/web-dns", { zone: "web-dns.example", records: [{ name: "printer", a: "10.1.0.9" }] });
    await put(page, "resolvers/web-dns", { nodes: [NODE], upstreams: ["9.9.9.9"], log: "all" });
    const at = (second) => `2026-01-01T00:00:0${second}Z`;
    const rows = [
      { at: at(1), client: "10.1.0.7", name: "tv.cdn.example", type: "A", outcome: "upstream", upstream: "9.9.9.9", us: 1500 },
      { at: at(2), client: "10.1.0.7", name: "ads.example", type: "AAAA", outcome: "blocked", list: "web-dns", us: 20 },
    ];
    await tellRows(page, rows);
    await page.goto("/dns");

    // Lists: counted, then broken, and the last good one stays.
    const list = page.getByRole("region", { name: "Lists" }).getByRole("row", { name: /web-dns/ });
    await list.getByText(url).waitFor();
    await until("the list is read", async () => /\bok\b.*\b2\b.*\b1\b/s.test(await list.innerText()));
    serve("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n");
    await page.getByRole("button", { name: "Read web-dns now" }).click();
    await list.getByText("the last good one").waitFor();

    // Records: one is refused with a sentence, one is added, one goes.
    const zone = page.getByRole("region", { name: "web-dns.example", exact: true });
    await zone.getByRole("textbox", { name: "Name" }).fill("nas");
    await zone.getByLabel("Data").fill("10.1.0.300");
    await zone.getByRole("button", { name: "Add the record" }).click();
    assert.match(await zone.getByRole("alert").innerText(), /records\[1\]\.a.*10\.1\.0\.300/s);
    await zone.getByLabel("Data").fill("10.1.0.10");
    await zone.getByRole("button", { name: "Add the record" }).click();
    await zone.getByRole("row", { name: /nas A 10\.1\.0\.10/ }).waitFor();
    await zone.getByRole("button", { name: "Remove printer A" }).click();
    await until("the record goes", async () => (await api(page, "GET", "/api/v1/dns-zones/web-dns")).body.spec.records.length === 1);

    // Questions: the newest first, more as they come, one is picked into a list.
    const questions = page.getByRole("region", { name: "Questions" }).last();
    await questions.getByRole("row").nth(1).getByText("ads.example").waitFor();
    rows.push({ at: at(3), client: "10.1.0.8", name: "late.example", type: "A", outcome: "cache", us: 5 });
    await questions.getByRole("row").nth(1).getByText("late.example").waitFor();
    await page.screenshot({ path: join(process.env.WEFT_OUT, "dns.png"), fullPage: true });
    assert.deepEqual(await page.evaluate(lowContrast), []);
    await page.getByRole("button", { name: "Add tv.cdn.example to a list" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("The name and everything below it").selectOption("cdn.example");
    await dialog.getByLabel("List, one of these or a new one").fill("web-picked");
    await dialog.getByRole("button", { name: "Add" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual((await api(page, "GET", "/api/v1/domain-lists/web-picked")).body.spec, { names: ["cdn.example"] });
  });
  await cleared(page);
});
