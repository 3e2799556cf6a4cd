// The page of policies: rules in their order with what they took, put in another order by drag and by keyboard, edited, each
// with its plan before the commit; gateways as nodes use them; lists; and why a flow goes where it goes.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { api, live, until, useBrowser } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();
const MADE = {
  sites: { "web-pol": { lan: ["10.87.0.0/16"] } },
  nodes: { "web-edge": { site: "web-pol", uplinks: { fibre: { interface: "eth0" }, lte: { interface: "wwan0", metered: true } } } },
  "domain-lists": { "web-films": { names: ["films.example", "*.cdn.example"] }, "web-ads": { names: ["ads.example"] } },
  resolvers: { "web-pol": { nodes: ["web-edge"], upstreams: ["9.9.9.9"] } },
  gateways: { "web-fibre": { uplink: "web-edge/fibre" }, "web-lte": { uplink: "web-edge/lte" } },
  "gateway-groups": { "web-tv": { try: ["web-fibre", "web-lte"] } },
  policies: {
    "web-home": {
      from: ["site/web-pol"],
      rules: [
        { to: ["list/web-films"], via: "web-tv", otherwise: "direct" },
        { to: ["203.0.113.0/24"], ports: ["tcp/443", "udp/443"], block: "reject" },
        { to: ["any"], via: "web-tv" },
      ],
    },
  },
};
const OBSERVED = {
  entries: {
    "gateway/web-fibre": { state: "down", since: 1000, cause: "its check: 9.9.9.9 is silent" },
    "gateway/web-lte": { state: "up", since: 1000, cause: "wwan0 leads out" },
    "gateway-group/web-tv.direct": { gateway: "gateway/web-lte", since: 1000, cause: "moved to web-lte" },
    "gateway-group/web-tv.block": { gateway: null, since: 1000, cause: "no gateway is left" },
  },
  desired: {}, samples: { "policy/web-home": { rule_1_flows_total: 1204, rule_1_bytes_total: 3100000000, rule_2_flows_total: 0, rule_2_bytes_total: 0 } },
  sampled: "2026-01-01T00:00:00Z",
};
const WHY = {
  node: "web-edge", asked: "web-edge is before 10.87.0.0/16 of web-pol", client: "10.87.0.7", name: "www.films.example", protocol: "tcp", port: 443,
  outcome: "via", rule: 1, sentence: "rule 1 of policy web-home sends it by gateway-group web-tv, which leaves by web-lte",
  policy: { name: "web-home", from: "10.87.0.0/16" },
  rules: [
    { number: 1, text: "to list/web-films: via web-tv, otherwise direct", decides: true, sentence: "www.films.example is in web-films", flows: 1204, bytes: 3100000000 },
    { number: 2, text: "to 203.0.113.0/24, tcp/443: block: reject", decides: false, sentence: "the address is in none of its prefixes" },
  ],
  dns: { sentence: "www.films.example goes to 9.9.9.9", view: "web-tv", upstreams: ["9.9.9.9"], lists: ["web-films"] },
  addresses: [{ address: "198.51.100.7", state: "learned", sentence: "learned as one of web-films, for 4 min more", lists: ["web-films"], decided_by: "kernel", rule: 1,
    route: { sentence: "by wwan0, as table 22501 says" } }],
  group: { name: "web-tv", otherwise: "direct", gateway: "web-lte", sentence: "moved to web-lte", gateways: [
    { name: "web-fibre", state: "down", in_use: false, sentence: "down: its check: 9.9.9.9 is silent" },
    { name: "web-lte", state: "up", in_use: true, sentence: "in use: moved to web-lte" }] },
};

async function made(page) {
  const { status, body } = await api(page, "POST", "/api/v1/apply", { resources: MADE, set: "web-pol" });
  assert.equal(status, 200, JSON.stringify(body));
  // No agent answers here: what it would tell, and why.
  await page.route("**/api/v1/nodes/web-edge/observed", (route) => route.fulfill({ json: OBSERVED }));
  await page.route("**/api/v1/explain?*", (route) => route.fulfill({ json: WHY }));
}

async function cleared(page) {
  for (const kind of Object.keys(MADE).reverse())
    for (const name of Object.keys(MADE[kind])) await api(page, "DELETE", `/api/v1/${kind}/${name}`);
  await page.context().close();
}

async function storedRules(page) {
  return (await api(page, "GET", "/api/v1/policies/web-home")).body.spec.rules;
}

/** What the dialog would change is shown, and then done. */
async function saved(page, shows) {
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Would update policies/web-home.").waitFor();
  await dialog.getByText(shows).first().waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

test("policies are read, put in order, edited and explained", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  await made(page);
  await page.goto("/policies");
  const rules = page.getByRole("list", { name: "Rules of web-home" });
  const rule = (at) => rules.getByRole("listitem").nth(at);
  await rule(2).waitFor();
  await until("counts and gateways are told", async () => /1,204 flows.*3\.10 GB/s.test(await rule(0).innerText()));
  assert.match(await rule(0).innerText(), /web-films.*via web-tv.*now by web-lte.*otherwise direct/s);
  assert.match(await rule(1).innerText(), /203\.0\.113\.0\/24.*tcp\/443.*refused/s);
  assert.match(await rule(2).innerText(), /everything.*now by none/s);
  const groups = page.getByRole("region", { name: "Gateway-groups" }).last();
  await groups.getByText("none: nothing passes").waitFor();
  await page.getByRole("region", { name: "Gateways", exact: true }).last().getByText("its check: 9.9.9.9 is silent").waitFor();

  // By drag: what is meant is not done before the plan was seen.
  await rule(1).dragTo(rule(0));
  await until("the second is the first", async () => /203\.0\.113/.test(await rule(0).innerText()));
  assert.deepEqual((await storedRules(page))[0].to, ["list/web-films"]);
  await page.getByRole("button", { name: "Review and save" }).click();
  await saved(page, "rules");
  await until("it is stored", async () => (await storedRules(page))[0].to[0] === "203.0.113.0/24");

  // By keyboard, and back again: there is nothing to save then.
  const grip = rules.getByRole("button", { name: "Move rule 1" });
  await grip.focus();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("button", { name: "Review and save" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Move rule 1");
  await page.keyboard.press("ArrowUp");
  await page.getByRole("button", { name: "Review and save" }).waitFor({ state: "detached" });

  // A new rule stands before the one for everything.
  await page.getByRole("button", { name: "Add a rule to web-home" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: "web-ads" }).check();
  await dialog.getByLabel("Its flows").selectOption("nxdomain");
  await dialog.getByRole("button", { name: "What would change?" }).click();
  await saved(page, "rules");
  await until("it is there", async () => (await storedRules(page)).length === 4);
  assert.deepEqual((await storedRules(page))[2], { to: ["list/web-ads"], block: "nxdomain" });
  await page.getByRole("button", { name: "Edit rule 2 of web-home" }).click();
  await dialog.getByLabel("Ports, all if empty").fill("tcp/99999");
  await dialog.getByRole("button", { name: "What would change?" }).click();
  assert.match(await dialog.getByRole("alert").innerText(), /rules\[1\]\.ports\[0\]/);
  await dialog.getByLabel("Ports, all if empty").fill("tcp/443");
  await page.screenshot({ path: join(process.env.WEFT_OUT, "policies-dialog.png") });
  await dialog.getByRole("button", { name: "What would change?" }).click();
  await saved(page, "tcp/443");
  await page.getByRole("button", { name: "Delete rule 3 of web-home" }).click();
  await saved(page, "nxdomain");
  await until("it is gone", async () => (await storedRules(page)).length === 3);

  // Somebody else's change of the meantime is told and stays, whether the plan was there before it or not.
  const stored = await storedRules(page);
  const theirs = [{ to: ["198.51.100.0/24"], block: "drop" }, ...stored];
  const others = async (rules) => {
    const { body } = await api(page, "GET", "/api/v1/policies/web-home");
    assert.equal((await api(page, "PUT", "/api/v1/policies/web-home", { ...body.spec, rules })).status, 200);
    await dialog.getByText("Somebody changed web-home").waitFor();
  };
  await page.getByRole("button", { name: "Edit rule 1 of web-home" }).click();
  await dialog.getByLabel("Comment").fill("mine");
  await dialog.getByRole("button", { name: "What would change?" }).click();
  await dialog.getByText("Would update policies/web-home.").waitFor();
  await others(theirs);
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isDisabled());
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Delete rule 1 of web-home" }).click();
  await dialog.getByText("Would update policies/web-home.").waitFor();
  await others(stored);
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isDisabled());
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Edit rule 3 of web-home" }).click();
  await dialog.getByLabel("Comment").fill("mine");
  await others(theirs);
  assert.ok(await dialog.getByRole("button", { name: "What would change?" }).isDisabled());
  assert.equal(await dialog.getByLabel("Comment").inputValue(), "mine");
  await dialog.getByRole("button", { name: "Close" }).click();
  assert.deepEqual(await storedRules(page), theirs);

  // A list is written anew.
  await page.getByRole("button", { name: "Edit the names of web-films" }).click();
  await dialog.getByLabel("Names, one a line").fill("films.example\nfilms-cdn.example");
  await dialog.getByRole("button", { name: "What would change?" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual((await api(page, "GET", "/api/v1/domain-lists/web-films")).body.spec.names, ["films.example", "films-cdn.example"]);

  // Why.
  await page.getByLabel("Client").fill("10.87.0.7");
  await page.getByLabel("To a name or an address").fill("www.films.example");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText(WHY.sentence).waitFor();
  await page.getByText("by wwan0, as table 22501 says").waitFor();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    assert.deepEqual(await page.evaluate(lowContrast), [], scheme);
    await page.screenshot({ path: join(process.env.WEFT_OUT, `policies-${scheme}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 360, height: 780 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than a telephone");
  await page.screenshot({ path: join(process.env.WEFT_OUT, "policies-narrow.png"), fullPage: true });
  await cleared(page);
});
