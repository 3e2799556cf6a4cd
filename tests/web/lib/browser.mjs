// Chromium, pages that are signed in, and what the specs ask of every page.
import assert from "node:assert/strict";
import { execSync } from "node:child_process";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

export const url = process.env.WEFT_URL;
export const hasFleet = process.env.WEFT_FLEET === "1";
const VIEWS = ["/", "/links", "/topology", "/policies", "/dns", "/config?kind=networks", "/config?kind=users&name=admin", "/history", "/log"];

export function views() {
  return VIEWS;
}

/** `distrusts`: only pages accept the controller's certificate, workers do not, as with one a person clicked through. */
export function launch({ distrusts = false } = {}) {
  // In a container Chromium's sandbox needs rights it does not have.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", ...(distrusts ? [] : ["--ignore-certificate-errors"])];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

/** Signs in through the page and keeps the session for all specs: sign-ins are limited. */
export async function signInOnce(env) {
  const browser = await launch();
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await signIn(page, env.WEFT_URL, env.WEFT_USER, env.WEFT_PASSWORD);
    await page.getByRole("navigation", { name: "Views" }).waitFor();
    await context.storageState({ path: env.WEFT_STATE });
  } finally {
    await browser.close();
  }
}

export async function signIn(page, base, user, password) {
  await page.goto(base);
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A browser for one spec file: `open(options)` gives a signed-in page of a context of its own. */
export function useBrowser(options = {}) {
  const held = { browser: null };
  before(async () => {
    held.browser = await launch(options);
  });
  after(() => held.browser?.close());
  return {
    async context(options = {}) {
      const context = await held.browser.newContext({
        ignoreHTTPSErrors: true, baseURL: url, storageState: process.env.WEFT_STATE, viewport: { width: 1280, height: 860 }, ...options,
      });
      context.setDefaultTimeout(10000);
      return context;
    },
    async open(options = {}) {
      return (await this.context(options)).newPage();
    },
  };
}

/** Waits until the page follows the controller. */
export async function live(page) {
  await page.locator(".verdict-live", { hasText: "live" }).waitFor();
}

/** Requests with the page's own session. */
export async function api(page, method, path, body, headers = {}) {
  return page.evaluate(
    async ([verb, where, value, more]) => {
      const session = await (await fetch("/api/v1/session")).json();
      const answer = await fetch(where, {
        method: verb,
        headers: { "X-CSRF-Token": session.csrf, ...(value === undefined ? {} : { "Content-Type": "application/json" }), ...more },
        body: value === undefined ? undefined : JSON.stringify(value),
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body, headers],
  );
}

export async function until(what, check, ms = 10000) {
  const deadline = Date.now() + ms;
  for (;;) {
    if (await check()) return;
    assert.ok(Date.now() < deadline, `${what} within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A test that needs agents. */
export function fleetTest(name, body) {
  return test(name, { skip: hasFleet ? false : "needs WEFT_URL with a fleet" }, body);
}

/** Whether a test can run that needs these commands; a test's options. */
export function breaks(...names) {
  const missing = names.filter((name) => !process.env[name]);
  if (!hasFleet || missing.length) return { skip: `needs a fleet and ${names.join(", ")}` };
  return {};
}

/** Runs one command, then the body, then the other command whatever happened. */
export async function broken(cut, heal, body) {
  execSync(process.env[cut], { stdio: "ignore" });
  try {
    await body();
  } finally {
    execSync(process.env[heal], { stdio: "ignore" });
  }
}
