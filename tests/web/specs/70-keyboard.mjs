import assert from "node:assert/strict";
import { test } from "node:test";
import { live, until, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return { word: element.innerText || element.getAttribute("aria-label") || element.id, hasRing: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
  });
}

async function tabTo(page, word, max = 30) {
  for (let i = 0; i < max; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at.word.trim() === word) return at;
  }
  assert.fail(`Tab does not reach ${word}`);
}

test("by keyboard alone: from the top to a view, with the focus always seen", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  assert.equal((await tabTo(page, "Skip to content", 1)).word, "Skip to content");
  for (const word of ["Overview", "Links", "Topology"]) assert.ok((await tabTo(page, word)).hasRing, `${word} shows its focus`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Topology" }).waitFor();
  await until("the focus goes to the view", () => page.evaluate(() => document.activeElement?.id === "main"));
  await page.context().close();
});

test("a dialog keeps the focus inside, Escape closes it and gives the focus back", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  assert.ok((await tabTo(page, "Add node")).hasRing);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "name");
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    const isOutside = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement?.closest("dialog"));
    assert.equal(isOutside, false);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("the focus is back", async () => (await focused(page)).word === "Add node");
  await page.context().close();
});
