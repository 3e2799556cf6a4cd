import assert from "node:assert/strict";
import { test } from "node:test";
import { live, signIn, url, useBrowser } from "../lib/browser.mjs";

const browser = useBrowser();

test("a wrong password is refused in one clear sentence and the page stays usable", async () => {
  const page = await browser.open({ storageState: undefined });
  await signIn(page, url, process.env.WEFT_USER, "not-the-password");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.equal(await alert.innerText(), "The name or the password is wrong.");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "password");
  await page.context().close();
});

test("the right password opens the overview, and signing out closes it", async () => {
  const page = await browser.open({ storageState: undefined });
  await signIn(page, url, process.env.WEFT_USER, process.env.WEFT_PASSWORD);
  await page.getByRole("navigation", { name: "Views" }).waitFor();
  await live(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
  await page.goto("/history");
  await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
  await page.context().close();
});

test("a view opened by its address is shown after the sign-in kept by the cookie", async () => {
  const page = await browser.open();
  await page.goto("/config?kind=users&name=admin");
  await page.getByRole("heading", { name: "admin" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "admin" }).waitFor();
  await page.context().close();
});
