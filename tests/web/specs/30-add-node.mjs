import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { api, live, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

// The key names the node, so it goes first.
async function removed(page, node) {
  const { body } = await api(page, "GET", `/api/v1/enrolment-keys?q=join-${node}-`);
  for (const key of body.items) await api(page, "DELETE", `/api/v1/enrolment-keys/${key.name}`);
  assert.equal((await api(page, "DELETE", `/api/v1/nodes/${node}`)).status, 204);
}

test("Add node makes the node and shows the one line to run, ready to copy", async () => {
  const page = await browser.open({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto("/");
  await live(page);
  await page.getByRole("button", { name: "Add node" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("added-by-web");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const line = await dialog.getByLabel("The line to run on the host").innerText();
  assert.match(line, /^curl -fsSk --pinnedpubkey 'sha256\/\/[A-Za-z0-9+/=]+' https:\/\/\S+\/join \| sudo sh -s -- weft1\.[A-Za-z0-9_-]+$/);
  await dialog.getByRole("button", { name: "Copy" }).first().click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
  await dialog.getByText("Waiting for added-by-web to connect").waitFor();
  await dialog.locator(".dialog-foot").getByRole("button", { name: "Close" }).click();
  const row = page.getByRole("row", { name: /added-by-web/ });
  await row.getByText("never connected").first().waitFor();
  await removed(page, "added-by-web");
  await page.context().close();
});

test("a bad name is refused with the field, and nothing is made", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  await page.getByRole("button", { name: "Add node" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Not a name!");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByRole("alert").waitFor();
  const { status } = await api(page, "GET", `/api/v1/nodes/${encodeURIComponent("Not a name!")}`);
  assert.ok(status === 404 || status === 400 || status === 422, String(status));
  await page.context().close();
});

/** Asks with a join line's key, as a host does; the status of the answer. */
async function asks(page, line, name) {
  const key = JSON.parse(Buffer.from(line.split("weft1.")[1], "base64url").toString());
  const request = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", `/CN=${name}`];
  const csr = execFileSync("openssl", request, { stdio: ["ignore", "pipe", "ignore"] }).toString();
  const data = { key_id: key.i, secret: key.s, csr, public_key: Buffer.alloc(32, 7).toString("base64") };
  return (await page.context().request.post("/api/v1/enrol", { data })).status();
}

test("Approve stands where a host waits and only while it does, and lets it in", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  await page.getByRole("button", { name: "Add node" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("asks-first");
  await dialog.getByLabel("wait for my approval").check();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const line = await dialog.getByLabel("The line to run on the host").innerText();
  await dialog.getByText("Waiting for asks-first to connect").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  assert.equal(await asks(page, line, "asks-first"), 202);
  await dialog.getByText("waits for your approval").waitFor();
  await dialog.locator(".dialog-foot").getByRole("button", { name: "Close" }).click();
  await page.getByRole("region", { name: "Hosts that wait for approval" }).getByText("asks-first").waitFor();
  await page.goto("/nodes/asks-first");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").getByText(Buffer.alloc(32, 7).toString("base64")).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
  assert.deepEqual((await api(page, "GET", "/api/v1/state")).body.pending, []);
  await removed(page, "asks-first");
  await page.context().close();
});
