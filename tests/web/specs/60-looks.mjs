import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { live, useBrowser, views } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();

function fileName(scheme, view) {
  return join(process.env.WEFT_OUT, `${scheme}-${view.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "overview"}.png`);
}

for (const scheme of ["light", "dark"]) {
  test(`${scheme}: every view has text of AA contrast (screenshots in out/)`, async () => {
    const page = await browser.open({ colorScheme: scheme });
    for (const view of views()) {
      await page.goto(view);
      await live(page);
      await page.waitForTimeout(600);
      assert.deepEqual(await page.evaluate(lowContrast), [], view);
      await page.screenshot({ path: fileName(scheme, view), fullPage: true });
    }
    await page.context().close();
  });
}

test("the toggle goes round system, light and dark, and is remembered", async () => {
  const page = await browser.open({ colorScheme: "light" });
  await page.goto("/");
  await live(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Colours: as the system" }).click();
  assert.equal(await ground(), light);
  await page.getByRole("button", { name: "Colours: light" }).click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.context().close();
});

test("at 360 px no view scrolls sideways", async () => {
  const page = await browser.open({ viewport: { width: 360, height: 740 } });
  for (const view of views()) {
    await page.goto(view);
    await live(page);
    await page.waitForTimeout(400);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, view);
  }
  await page.goto("/");
  await page.getByRole("button", { name: "Add node" }).click();
  const box = await page.getByRole("dialog").boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 360);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "narrow-add-node.png") });
  await page.context().close();
});
