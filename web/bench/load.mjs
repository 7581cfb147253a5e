// Measures the web console in a real browser, for ./dev bench web: how soon a table shows its first rows, and what pages cost while everything changes.
// The last line of the output is the result as JSON.
import { chromium } from "playwright-core";

const { LAMINA_ADDRESS: address, LAMINA_PASSWORD: password, LAMINA_PAGES: pages = "10", LAMINA_SECONDS: seconds = "30" } = process.env;
const [what] = process.argv.slice(2);
const patience = 120_000;
const settle = 10_000;
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"];
const row = "[role=table] [role=row] a[href^='/vms/']";

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
try {
  const state = await signIn();
  const result = what === "first" ? await first(state) : await load(state);
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
}

async function signIn() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB" });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.goto(address);
  const refused = await page.evaluate(async (secret) => {
    const answer = await fetch("/v1/sessions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user: "admin", password: secret, cookie: true }) });
    return answer.ok ? null : answer.text();
  }, password);
  if (refused) throw new Error(`The log-in was refused: ${refused}`);
  const found = await context.storageState();
  await context.close();
  return found;
}

async function open(state) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, storageState: state, locale: "en-GB", viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.addInitScript((selector) => {
    const look = () => {
      if (document.querySelector(selector)) window.firstRowMs = performance.now();
      else requestAnimationFrame(look);
    };
    look();
  }, row);
  await page.goto(`${address}/vms`);
  await page.waitForFunction(() => window.firstRowMs !== undefined);
  return page;
}

/** From the begin of the navigation to the frame after the one that has the first row, with nothing in the browser's cache. */
async function first(state) {
  const firstRowsMs = [];
  for (let round = 0; round < Number(pages); round++) {
    const page = await open(state);
    firstRowsMs.push(await page.evaluate(() => window.firstRowMs));
    await page.context().close();
  }
  return { firstRowsMs };
}

/** What each process of the browser takes of one core while pages are open and looked at. */
async function load(state) {
  const system = await browser.newBrowserCDPSession();
  const processes = async () => (await system.send("SystemInfo.getProcessInfo")).processInfo;
  const all = [];
  for (let number = 0; number < Number(pages); number++) all.push(await open(state));
  await Promise.all(all.map((page) => page.waitForFunction(() => document.querySelector("[role=table]")?.getAttribute("aria-rowcount") > 0)));
  await sleep(settle);
  const [begun, from] = [Date.now(), await costs(processes, all)];
  await sleep(Number(seconds) * 1000);
  const [ended, to] = [Date.now(), await costs(processes, all)];
  const percent = (took) => (100_000 * took) / (ended - begun);
  const renderers = [...to.renderers].map(([id, took]) => percent(took - (from.renderers.get(id) ?? 0))).sort((left, right) => right - left).slice(0, all.length);
  if (renderers.length < all.length) throw new Error(`${all.length} pages share ${renderers.length} processes: what one costs is not known.`);
  const main = all.map((_, index) => Object.fromEntries(["TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration"].map((name) => [name, percent(to.metrics[index][name] - from.metrics[index][name])])));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    pages: all.length, beganAt: new Date(begun).toISOString(), endedAt: new Date(ended).toISOString(), rows: Number(await all[0].evaluate(() => document.querySelector("[role=table]").getAttribute("aria-rowcount"))),
    pageCpuPercent: renderers, taskPercent: mean(main.map((one) => one.TaskDuration)), scriptPercent: mean(main.map((one) => one.ScriptDuration)), layoutPercent: mean(main.map((one) => one.LayoutDuration + one.RecalcStyleDuration)),
    restCpuPercent: percent(to.rest - from.rest), lines: await Promise.all(all.map((page) => page.evaluate(() => !document.body.textContent.includes("The connection is lost")))),
  };
}

async function costs(processes, all) {
  const found = await processes();
  const metrics = await Promise.all(all.map(async (page) => {
    const session = (page.session ??= await page.context().newCDPSession(page));
    await session.send("Performance.enable");
    return Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((metric) => [metric.name, metric.value]));
  }));
  return {
    renderers: new Map(found.filter((one) => one.type === "renderer").map((one) => [one.id, one.cpuTime])),
    rest: found.filter((one) => one.type !== "renderer").reduce((sum, one) => sum + one.cpuTime, 0),
    metrics,
  };
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
