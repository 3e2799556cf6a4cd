import assert from "node:assert/strict";
import { test } from "node:test";
import { live, url, useBrowser, views } from "../lib/browser.mjs";

const browser = useBrowser();

test("every view keeps to the content security policy and asks nobody but the controller", async () => {
  const page = await browser.open();
  const foreign = [];
  const complaints = [];
  page.context().on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  for (const view of views()) {
    await page.goto(view);
    await live(page);
    await page.waitForTimeout(700);
    assert.deepEqual(await page.evaluate(() => window.violations), [], view);
  }
  const policy = (await page.request.get("/")).headers()["content-security-policy"];
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
  await page.context().close();
});
