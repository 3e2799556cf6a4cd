import assert from "node:assert/strict";
import { test } from "node:test";
import { api, launch, live, until, useBrowser } from "../lib/browser.mjs";
import { Controller } from "../lib/controller.mjs";

const browser = useBrowser();

test("what one page changes the other shows without a reload", async () => {
  const context = await browser.context();
  const watching = await context.newPage();
  const writing = await context.newPage();
  await watching.goto("/");
  await live(watching);
  await writing.goto("/history");
  await live(writing);
  await watching.evaluate(() => (window.isSamePage = true));
  await api(writing, "PUT", "/api/v1/nodes/web-live", {});
  await watching.getByRole("row", { name: /web-live/ }).waitFor();
  await writing.locator(".revision").first().getByText("nodes/web-live").waitFor();
  await api(writing, "DELETE", "/api/v1/nodes/web-live");
  await until("the row goes", async () => (await watching.getByRole("row", { name: /web-live/ }).count()) === 0);
  assert.equal(await watching.evaluate(() => window.isSamePage), true);
  await context.close();
});

async function streams(context) {
  return Number(/^weft_event_streams (\d+)/m.exec(await (await context.request.get("/metrics")).text())[1]);
}

async function threePages(context, most) {
  await until("no stream of an earlier page is left", async () => (await streams(context)) === 0, 40000);
  const pages = [];
  for (let i = 0; i < 3; i++) {
    const page = await context.newPage();
    await page.goto("/");
    await live(page);
    pages.push(page);
  }
  const held = await streams(context);
  assert.ok(held >= 1 && held <= most, `${held} streams`);
  return pages;
}

const ownOnly = { skip: process.env.WEFT_BIN ? false : "needs WEFT_BIN" };

/** A controller and a browser that nobody else uses: who counts streams, or ends the controller, is alone. */
async function alone(options, body) {
  const controller = await Controller.start();
  const own = await launch(options);
  try {
    const context = await own.newContext({ ignoreHTTPSErrors: true, baseURL: controller.url });
    // Without a page, which would have a stream.
    const data = { user: "admin", password: controller.password };
    assert.equal((await context.request.post("/api/v1/login", { data })).status(), 200);
    await body({ controller, context });
  } finally {
    await own.close();
    await controller.stop();
  }
}

test("where workers distrust the certificate the pages share a stream, and the next one takes it over", ownOnly, () => alone({ distrusts: true }, async ({ context }) => {
  // The worker may have got through on a connection of a page: then there are two.
  const [first, second, third] = await threePages(context, 2);
  // Workers that cannot connect again must not leave a page behind.
  await first.waitForTimeout(25000);
  for (const page of [first, second, third]) await live(page);
  await first.close();
  await api(second, "PUT", "/api/v1/sites/taken-over", {});
  await live(third);
  await third.goto("/history");
  await third.locator(".revision").first().getByText("sites/taken-over").waitFor();
  await api(second, "DELETE", "/api/v1/sites/taken-over");
  await third.locator(".revision").first().getByText("deleted").waitFor();
}));

test("a browser has one event stream, however many pages it shows", ownOnly, () => alone({}, async ({ context }) => {
  await threePages(context, 1);
}));

test("a lost controller is said at once, and its return is shown without a reload", ownOnly, () => alone({}, async ({ controller, context }) => {
  const page = await context.newPage();
  await page.goto("/");
  await live(page);
  await page.evaluate(() => (window.isSamePage = true));
  await controller.halt("SIGKILL");
  await page.getByText("Connection to the controller lost, retrying.").waitFor({ timeout: 10000 });
  await controller.run();
  await page.locator(".verdict-live", { hasText: "live" }).waitFor({ timeout: 20000 });
  await api(page, "PUT", "/api/v1/nodes/after-return", {});
  await page.getByRole("row", { name: /after-return/ }).waitFor();
  assert.equal(await page.evaluate(() => window.isSamePage), true);
}));
