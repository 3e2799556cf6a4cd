import assert from "node:assert/strict";
import { test } from "node:test";
import { hasFleet, live, until, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

test("a segment's page shows its tree: root, blocked wires and the stretch of every pair", { skip: hasFleet ? false : "needs a fleet" }, async () => {
  const page = await browser.open();
  await page.goto("/config?kind=segments&name=internet");
  await live(page);
  const tree = page.locator(".segment-tree");
  await tree.getByRole("heading", { name: "Tree" }).waitFor();
  // The article's mesh of four and pi0: seven wires, of which four make the tree.
  await until("the tree is told", async () => (await tree.locator(".tree-wires tr.wire-forwarding").count()) === 4, 60000);
  assert.equal(await tree.locator(".tree-wires tr.wire-blocked").count(), 3);
  await until("each pair has a stretch", async () => !(await tree.locator(".tree-pairs").innerText()).includes("–\n"), 60000);
  assert.equal(await tree.locator(".tree-pairs tr[data-pair]").count(), 10);
  const told = (await page.evaluate(async () => (await (await fetch("/api/v1/segments/internet/tree")).json())));
  assert.match(await tree.innerText(), new RegExp(`root ${told.root}, 4 wires in the tree, 3 blocked`));
  for (const wire of told.wires.filter((each) => each.state === "blocked"))
    await tree.locator(".wire-blocked").filter({ hasText: `${wire.a} – ${wire.b}` }).filter({ hasText: wire.blocked_at }).waitFor();
  await page.screenshot({ path: "out/segment-tree.png", fullPage: true });
  await page.goto("/topology");
  await page.locator(".segment-tree").getByRole("heading", { name: "Stretch" }).waitFor();
  await page.close();
});
