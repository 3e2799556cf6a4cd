// What happened to a link that was cut, drawn in time.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { breaks, broken, live, until, useBrowser } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();

test("the timeline shows a cut and its cause, by mouse, keyboard and phone, and leads to the charts of that time", breaks("WEFT_CUT", "WEFT_HEAL"), async () => {
  const page = await browser.open();
  await page.goto("/log?span=1h&kind=link_");
  await live(page);
  const lane = page.locator(".lane", { hasText: "bob · home/rho" });
  // Others may have cut it before, in this lab.
  const signs = (name) => lane.getByRole("button", { name }).count();
  const [downs, ups] = [await signs(/bob-rho down/), await signs(/bob-rho up/)];
  await broken("WEFT_CUT", "WEFT_HEAL", async () => {
    await until("the cut is drawn", async () => (await signs(/bob-rho down/)) > downs, 45000);
    await lane.locator(".stretch-bad").last().waitFor();
  });
  await until("the healing is drawn", async () => (await signs(/bob-rho up/)) > ups, 60000);
  const told = page.locator(".timeline-told");
  await lane.getByRole("button").last().click();
  await told.getByText(/bob-rho up/).waitFor();
  const back = async (text) => {
    for (let i = 0; i < 20 && !(await told.innerText()).includes(text); i++) await page.keyboard.press("ArrowLeft");
    await told.getByText(text).waitFor();
  };
  await back("bob-rho down: 3 of 3 probes lost");
  assert.equal(await lane.getByRole("button", { name: /bob-rho down/, pressed: true }).count(), 1);
  // By keyboard: exactly one sign is reached by Tab, the arrows lead on through time.
  assert.equal(await page.locator(".timeline [tabindex='0']").count(), 1);
  await page.keyboard.press("End");
  const last = await told.innerText();
  await page.keyboard.press("ArrowLeft");
  await until("the arrow leads to another event", async () => (await told.innerText()) !== last);
  await page.keyboard.press("End");
  await until("End leads back", async () => (await told.innerText()) === last);
  // The focus follows what is told, behind the page's next picture.
  await until("the sign that is told of has the focus", () => page.evaluate(() => document.activeElement.getAttribute("aria-pressed") === "true"));
  await page.locator(".events").getByText(/bob-rho up/).first().waitFor();
  assert.deepEqual(await page.evaluate(lowContrast), []);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-timeline.png"), fullPage: true });
  await page.locator("label", { hasText: /^Node/ }).locator("select").selectOption("pi0");
  await lane.waitFor({ state: "detached" });
  await page.locator("label", { hasText: /^Node/ }).locator("select").selectOption("bob");
  await page.setViewportSize({ width: 360, height: 740 });
  await until("nothing is wider than a phone", async () => (await page.evaluate(() => document.documentElement.scrollWidth)) === 360);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "narrow-timeline.png"), fullPage: true });
  await lane.getByRole("button").last().click();
  await back("bob-rho down");
  await told.getByRole("link", { name: "Charts at that time" }).click();
  await page.getByText("The dotted line is at").waitFor();
  await page.getByRole("region", { name: "Loss" }).locator("canvas").waitFor();
  assert.match(page.url(), /\/link\?node=bob&link=home%2Frho&span=1h&at=/);
  await page.getByRole("region", { name: "Events" }).getByText(/bob-rho down/).first().waitFor();
  await page.screenshot({ path: join(process.env.WEFT_OUT, "narrow-link-at.png"), fullPage: true });
  await page.context().close();
});
