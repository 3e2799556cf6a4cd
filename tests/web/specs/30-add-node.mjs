import assert from "node:assert/strict";
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
