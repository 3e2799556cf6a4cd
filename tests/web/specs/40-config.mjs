import assert from "node:assert/strict";
import { test } from "node:test";
import { api, live, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

async function put(page, path, body) {
  const { status, body: answer } = await api(page, "PUT", `/api/v1/${path}`, body);
  assert.ok(status === 200 || status === 201, `${path}: ${status} ${JSON.stringify(answer)}`);
}

async function prepared() {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  await put(page, "nodes/web-a", {});
  await put(page, "nodes/web-b", {});
  await put(page, "networks/web-net", { mesh: ["web-a", "web-b"] });
  return page;
}

async function cleared(page) {
  for (const path of ["networks/web-net", "nodes/web-a", "nodes/web-b"]) await api(page, "DELETE", `/api/v1/${path}`);
  await page.context().close();
}

test("an edit is refused field by field, then saved, and stands in the history with before and after", async () => {
  const page = await prepared();
  await page.goto("/config?kind=networks&name=web-net");
  const text = page.getByLabel("Spec as YAML");
  await text.waitFor();
  assert.match(await text.inputValue(), /mesh: \[web-a, web-b\]/);
  await text.fill("mesh: [web-a, web-b]\nprot: 51820\nkeepalive: soon\n");
  await page.getByRole("button", { name: "Save" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  const told = await alert.innerText();
  assert.match(told, /networks\.web-net\.prot\b.*no such field/);
  assert.match(told, /networks\.web-net\.keepalive\b/);
  await text.fill("mesh: [web-a, nobody]\n");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "nobody" }).waitFor();
  await text.fill("mesh: [web-a, web-b]\ncomment: by the web\n");
  await page.getByRole("button", { name: "What would change?" }).click();
  await page.getByText("Would update networks/web-net.").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/Saved as revision \d+/).waitFor();
  await page.goto("/history");
  await page.locator(".revision").first().getByText("by the web").waitFor();
  // What touches nodes is seen before it is done, and seen anew when something else was typed since.
  await page.goto("/config?kind=networks&name=web-net");
  for (const pool of ["10.98.0.0/16", "10.99.0.0/16"]) {
    await text.fill(`mesh: [web-a, web-b]\npool: [${pool}]\n`);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Nothing is done yet").waitFor();
    assert.equal((await api(page, "GET", "/api/v1/networks/web-net")).body.spec.pool, undefined);
  }
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/Saved as revision \d+/).waitFor();
  assert.deepEqual((await api(page, "GET", "/api/v1/networks/web-net")).body.spec.pool, ["10.99.0.0/16"]);
  await cleared(page);
});

test("YAML, JSON and the effective spec tell the same", async () => {
  const page = await prepared();
  await page.goto("/config?kind=networks&name=web-net");
  await page.getByLabel("Spec as YAML").waitFor();
  await page.getByRole("button", { name: "JSON" }).click();
  assert.deepEqual(JSON.parse(await page.getByLabel("Spec as JSON").inputValue()), { mesh: ["web-a", "web-b"] });
  await page.getByRole("button", { name: "Effective" }).click();
  assert.match(await page.getByLabel("Effective spec").innerText(), /pool:/);
  await cleared(page);
});

test("what is still referenced is not deleted, and the page says by what", async () => {
  const page = await prepared();
  await page.goto("/config?kind=nodes&name=web-a");
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  assert.match(await dialog.getByRole("alert").innerText(), /web-net/);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await cleared(page);
});

test("a write whose answer is lost is asked after, and done once", async () => {
  const page = await prepared();
  await page.goto("/config?kind=networks&name=web-net");
  const text = page.getByLabel("Spec as YAML");
  await text.waitFor();
  let lost = 0;
  await page.route("**/api/v1/networks/web-net", async (route) => {
    if (route.request().method() !== "PUT" || lost++) return route.continue();
    await route.abort("connectionreset");
  });
  await text.fill("mesh: [web-a, web-b]\ncomment: sent twice\n");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/Saved as revision \d+/).waitFor();
  assert.equal(lost, 2);
  lost = 0;
  await page.unrouteAll();
  await page.route("**/api/v1/networks/web-net", async (route) => {
    if (route.request().method() !== "PUT" || lost++) return route.continue();
    await route.fetch();
    await route.abort("connectionreset");
  });
  await text.fill("mesh: [web-a, web-b]\ncomment: done unheard\n");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "It is done, but the connection broke" }).waitFor();
  assert.equal(lost, 1);
  assert.equal((await api(page, "GET", "/api/v1/networks/web-net")).body.spec.comment, "done unheard");
  await cleared(page);
});

test("a new resource is written, shown and deleted", async () => {
  const page = await browser.open();
  await page.goto("/config?kind=sites");
  await page.getByRole("link", { name: "New site" }).click();
  await page.getByLabel("Name").fill("web-site");
  await page.getByLabel("Spec as YAML").fill("lan: [10.77.0.0/16]\n");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "web-site" }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  // Not the title of the dialog.
  await page.getByRole("heading", { name: "sites", exact: true }).waitFor();
  assert.equal((await api(page, "GET", "/api/v1/sites/web-site")).status, 404);
  await page.context().close();
});

test("a webhook says what keeps it, and a test is sent by a button", async () => {
  const page = await prepared();
  await put(page, "webhooks/web-hook", { url: "http://127.0.0.1:9/nobody" });
  await page.goto("/config?kind=webhooks&name=web-hook");
  const delivery = page.getByRole("region", { name: "Delivery" });
  await delivery.getByText("Nothing was sent yet.").waitFor();
  await delivery.getByRole("button", { name: "Send a test" }).click();
  await delivery.getByText(/in a row failed: .*Failed to connect/).waitFor({ timeout: 15000 });
  await api(page, "DELETE", "/api/v1/webhooks/web-hook");
  await cleared(page);
});
