// The charts of a link, from what a real agent remembers of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { api, fleetTest, live, until, useBrowser } from "../lib/browser.mjs";
import { lowContrast } from "../lib/contrast.mjs";

const browser = useBrowser();

/** A link that is measured: its node and its key, with some replies in its history. */
async function measured(page) {
  const { nodes } = (await api(page, "GET", "/api/v1/state")).body;
  for (const { name } of nodes.filter((node) => node.connected)) {
    const { entries } = (await api(page, "GET", `/api/v1/nodes/${name}/observed`)).body;
    const key = Object.keys(entries).find((each) => each.startsWith("link/") && entries[each].state === "up");
    if (key) return { node: name, link: key.slice("link/".length), peer: key.split("/")[2] };
  }
  return assert.fail("no link is up");
}

/** How many pixels of a chart are drawn. */
function inked(canvas) {
  return canvas.evaluate((element) => {
    const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++;
    return count;
  });
}

async function history(page, { node, link }, span) {
  return (await api(page, "GET", `/api/v1/nodes/${node}/history?link=${encodeURIComponent(link)}&span=${span}`)).body;
}

/** Gives the network an SLA while `body` runs. */
async function withSla(page, network, body) {
  await api(page, "PUT", "/api/v1/slas/web-charts", { latency: "150ms", jitter: "30ms", loss: "2.5%" });
  await api(page, "PATCH", `/api/v1/networks/${network}`, { sla: "web-charts" }, { "Content-Type": "application/merge-patch+json" });
  try {
    await body();
  } finally {
    await api(page, "PATCH", `/api/v1/networks/${network}`, { sla: null }, { "Content-Type": "application/merge-patch+json" });
    await api(page, "DELETE", "/api/v1/slas/web-charts");
  }
}

fleetTest("the charts of a link show what its node has measured, with the SLA, for an hour and a day, from both ends", async () => {
  const page = await browser.open();
  await page.goto("/");
  await live(page);
  const chosen = await measured(page);
  await withSla(page, chosen.link.split("/")[0], () => charts(page, chosen));
  await page.context().close();
});

async function charts(page, chosen) {
  let told = null;
  page.on("response", async (response) => {
    if (response.url().includes("/history?") && response.ok()) told = await response.json();
  });
  // Some replies lie in slots that are over, so the hour has more than one point to draw.
  await until("two slots are measured", async () => (await history(page, chosen, "1h")).slots.rtt_avg_us.filter((us) => us !== null).length > 1, 30000);
  await until("the SLA has reached the node", async () => (await history(page, chosen, "1h")).sla.latency_us === 150000, 20000);
  await page.goto(`/nodes/${chosen.node}`);
  await page.getByRole("link", { name: `Charts of the link to ${chosen.peer}` }).click();
  for (const title of ["Round trip", "Jitter", "Loss", "Throughput"]) {
    const canvas = page.getByRole("region", { name: title }).locator("canvas");
    await until(`${title} is drawn`, async () => (await canvas.count()) === 1 && (await inked(canvas)) > 500);
    assert.doesNotMatch(await canvas.getAttribute("aria-label"), /nothing measured/, title);
  }
  const summary = page.getByRole("region", { name: "Round trip" }).locator(".chart-summary");
  await until("the highest round trip is the one that was told", async () => {
    const [, figure, unit] = /highest ([\d.]+) (ms|s)/.exec(await summary.innerText());
    const us = Math.max(...told.slots.rtt_max_us);
    return Math.abs(us - Number(figure) * (unit === "s" ? 1e6 : 1000)) <= Math.max(6, us / 100);
  });
  await page.getByText("SLA: at most 150 ms").waitFor();
  await page.getByText("SLA: at most 2.5 %").waitFor();
  assert.deepEqual(await page.evaluate(lowContrast), []);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "fleet-link.png"), fullPage: true });
  const day = page.waitForResponse((response) => response.url().includes("span=24h") && response.ok());
  await page.getByRole("button", { name: "24 hours" }).click();
  await page.waitForURL(/span=24h/);
  await page.getByRole("button", { name: `by ${chosen.peer}` }).click();
  await page.getByRole("button", { name: `seen by ${chosen.peer}` }).waitFor();
  assert.equal((await (await day).json()).step_ms, 300000);
  await page.setViewportSize({ width: 360, height: 740 });
  await until("nothing is wider than a phone", async () => (await page.evaluate(() => document.documentElement.scrollWidth)) === 360);
  await page.screenshot({ path: join(process.env.WEFT_OUT, "narrow-link.png"), fullPage: true });
}
