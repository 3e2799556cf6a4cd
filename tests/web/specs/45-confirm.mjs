import assert from "node:assert/strict";
import { test } from "node:test";
import { api, live, until, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

async function opened(path) {
  const page = await browser.open();
  await page.goto(path);
  await live(page);
  return page;
}

async function applyOnTrial(page, tags) {
  const body = { resources: { sites: { "web-trial": { tags } } }, set: "web-trial", confirm: "5m" };
  const { status, body: answer } = await api(page, "POST", "/api/v1/apply", body);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer.revision;
}

test("a revision on trial is shown with its time, and the banner's buttons confirm it or undo it", async () => {
  const page = await opened("/");
  const banner = page.getByRole("status", { name: "Revision waiting for confirmation" });
  const kept = await applyOnTrial(page, ["a"]);
  await banner.getByText(new RegExp(`Revision ${kept} by user/admin will be undone in [45]:[0-9]{2} unless confirmed`)).waitFor();
  await banner.getByRole("button", { name: "Confirm" }).click();
  await banner.waitFor({ state: "detached" });
  assert.deepEqual((await api(page, "GET", "/api/v1/sites/web-trial")).body.spec, { tags: ["a"] });
  await applyOnTrial(page, ["b"]);
  await banner.getByRole("button", { name: "Undo now" }).click();
  await banner.waitFor({ state: "detached" });
  assert.deepEqual((await api(page, "GET", "/api/v1/sites/web-trial")).body.spec, { tags: ["a"] });
  await page.context().close();
});

test("the history rolls back to a revision after showing what that changes", async () => {
  const page = await opened("/");
  const put = await api(page, "PUT", "/api/v1/sites/web-trial", { tags: ["there"] });
  const { revision } = put.body;
  await api(page, "DELETE", "/api/v1/sites/web-trial");
  await page.goto("/history");
  const there = page.locator(`#revision-${revision}`);
  assert.equal(await page.locator(".revision").first().getByRole("button", { name: "Roll back to here" }).count(), 0);
  await there.getByRole("button", { name: "Roll back to here" }).click();
  const dialog = page.getByRole("dialog", { name: `Roll back to revision ${revision}` });
  await dialog.getByText(/create sites\/web-trial/).waitFor();
  await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await until("the site is back", async () => (await api(page, "GET", "/api/v1/sites/web-trial")).status === 200);
  await api(page, "DELETE", "/api/v1/sites/web-trial");
  await page.context().close();
});
