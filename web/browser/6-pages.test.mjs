// Every page in both themes and languages: looked at by axe, measured at three widths, and kept as pictures for people.
import assert from "node:assert/strict";
import axe from "axe-core";
import { address, andNoComplaints, api, inBrowser, journey, lamina, shots, textsOf, until, vmNamed } from "./world.mjs";

const widths = { 390: 844, 1280: 800, 1920: 1080 };
const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const of = (name, path, tabs = [""]) => tabs.map((tab) => ({ name: `${name}${tab && `-${tab}`}`, path: `${path}${tab && `/${tab}`}` }));
const pages = [
  ...of("overview", "/"),
  ...of("vms", "/vms", ["", "new"]),
  ...of("vm", "/vms/{vm}", ["", "metrics", "hardware", "snapshots", "firewall", "cloud-init", "mobility", "events", "log"]),
  ...of("hosts", "/hosts"), ...of("host", "/hosts/{host}", ["", "metrics", "vms", "events"]),
  ...of("placement", "/placement", ["", "balance", "mobility"]), ...of("cluster", "/cluster"),
  ...of("images", "/images"), ...of("isos", "/isos"),
  ...of("pools", "/pools"), ...of("pool", "/pools/{pool}"),
  ...of("networks", "/networks", ["", "drawing", "firewall"]), ...of("network", "/networks/{network}"), ...of("group", "/networks/firewall/{group}"),
  ...of("events", "/events", ["", "audit"]),
  ...of("users", "/users"), ...of("settings", "/settings", ["", "sessions", "migration", "certificate", "safekeeping", "logs"]),
  ...of("nothing", "/there-is-nothing"),
];

const underWay = new Set();
inBrowser({ prepare: async (page) => {
  page.on("request", (request) => { if (request.headers().accept !== "text/event-stream") underWay.add(request); });
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => underWay.delete(request));
  // What the pages are to show besides what the journeys before have left.
  if ((await api("/v1/placement-rules")).items.length === 0) await lamina(["placement", "rule", "create", "demos", "--apart", "tag:demo", "--preferred", "--notes", "Not all at once when a host fails"]);
  if ((await api("/v1/firewall-groups")).items.length === 0) await lamina(["firewall", "group", "create", "web"]);
  const { id } = await vmNamed("shell");
  if ((await api(`/v1/vms/${id}/snapshots`)).items.length === 0) for (const name of ["clean", "configured"]) await lamina(["vm", "snapshot", "create", "shell", name]);
} });

let ids = null;
/** The address of a page about an object. */
async function pathOf(path) {
  ids ??= {
    vm: (await vmNamed("shell")).id,
    ...Object.fromEntries(await Promise.all(["host", "pool", "network"].map(async (kind) => [kind, (await api(`/v1/${kind}s`)).items[0].id]))),
    group: (await api("/v1/firewall-groups")).items[0].id,
  };
  return path.replace(/\{(\w+)\}/, (_, kind) => ids[kind]);
}

/** What lies outside of the window, or cannot be read because it is cut where nothing says so. */
function unfit() {
  const found = [];
  const main = document.querySelector("main");
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  if (main && main.scrollWidth > main.clientWidth + 1) found.push(`its content is ${main.scrollWidth} px wide in ${main.clientWidth}`);
  for (const element of document.querySelectorAll("main button, main h1, main h2, main h3, main label, main dt, main [class*=badge], header button, header a, nav a")) {
    if (element.closest(".cut") || getComputedStyle(element).overflowX === "visible") continue;
    if (element.scrollWidth > element.clientWidth + 1 && element.textContent.trim()) found.push(`"${element.textContent.trim()}" is cut`);
  }
  for (const table of document.querySelectorAll("[role=table]")) {
    const [head, ...rows] = [...table.querySelectorAll("[role=row]")].map((row) => [...row.children].map((cell) => Math.round(cell.getBoundingClientRect().left)).join());
    if (rows.some((row) => row !== head)) found.push(`cells stand beside their titles: ${head} | ${rows[0]}`);
  }
  return found;
}

const speak = (page, theme, language) => page.evaluate(([t, l]) => { localStorage.setItem("lamina.theme", JSON.stringify(t)); localStorage.setItem("lamina.language", JSON.stringify(l)); }, [theme, language]);

/** The page as it is once everything that it asked for is there and drawn. */
async function show(page, path) {
  await page.goto(address + path);
  await page.locator("main h1").first().waitFor();
  await page.getByRole("tree").getByRole("link", { name: "shell" }).waitFor();
  await drawn(page);
}

async function drawn(page) {
  await until("all answers", () => underWay.size === 0);
  await page.waitForFunction(() => [...document.querySelectorAll("main .soft, dialog .soft")].every((element) => element.textContent.trim() !== "…"));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

for (const theme of ["light", "dark"]) {
  for (const language of ["en", "ko"]) {
    for (const { name, path } of pages) {
      journey(`page ${name} is usable by all, ${theme}, ${language}`, async (page) => {
        const found = [];
        await speak(page, theme, language);
        await page.setViewportSize({ width: 1280, height: 800 });
        await show(page, await pathOf(path));
        found.push(...await violationsOf(page, path, ":root"));
        for (const [width, height] of Object.entries(widths)) {
          await page.setViewportSize({ width: Number(width), height });
          await drawn(page);
          for (const words of await page.evaluate(unfit)) found.push(`${path} at ${width}: ${words}`);
          if (shots) await page.screenshot({ path: `${shots}/${name}.${theme}-${language}-${width}.png` });
        }
        assert.deepEqual(found, []);
      });
    }
  }
}

/** What axe finds in a part of the page, in words. */
async function violationsOf(page, name, part) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(([selector, runOnly]) => window.axe.run(document.querySelector(selector), { runOnly }), [part, standards]);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${name}: ${id} at ${node.target}: ${node.failureSummary}`));
}

journey("menus, commands, operations, the drawer of a telephone and consoles are usable by all", async (page) => {
  const found = [];
  const vm = await vmNamed("shell");
  const look = async (name, part) => {
    found.push(...await violationsOf(page, name, part));
    if (shots) await page.screenshot({ path: `${shots}/over-${name}.png` });
  };
  for (const theme of ["light", "dark"]) {
    await speak(page, theme, "en");
    await page.setViewportSize({ width: 1280, height: 800 });
    await show(page, `/vms/${vm.id}`);
    await page.locator("main header").getByRole("button", { name: "Actions" }).click();
    await look(`menu-${theme}`, "[role=menu]");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("shell");
    await look(`palette-${theme}`, "dialog");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Operations" }).click();
    await page.getByRole("region", { name: "Operations" }).waitFor();
    await look(`operations-${theme}`, "footer");
    await page.getByRole("button", { name: "Operations", expanded: true }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("button", { name: "Tree" }).click();
    await look(`drawer-${theme}`, "aside");
    await page.getByRole("complementary").getByRole("link", { name: "Hosts" }).click();
    await page.getByRole("heading", { name: "Hosts" }).waitFor();
    await page.getByRole("complementary").waitFor({ state: "detached" });
    await page.setViewportSize({ width: 1280, height: 800 });
    for (const kind of ["vnc", "serial"]) {
      await page.goto(`${address}/console/${vm.id}/${kind}`);
      await page.getByText("connected").waitFor();
      await page.locator(".screen canvas, .xterm-rows").first().waitFor();
      await look(`console-${kind}-${theme}`, ".bar");
    }
    await show(page, "/");
  }
  assert.deepEqual(found, []);
});

const dialogs = [
  ["snapshot", "/vms/{vm}/snapshots", "snapshot.create"], ["disk", "/vms/{vm}/hardware", "change", "shell-disk0"], ["nic", "/vms/{vm}/hardware", "change", "52:54"], ["pull", "/images", "image.pull"], ["upload", "/isos", "upload"],
  ["pool", "/pools", "pool.create"], ["network", "/networks", "network.create"], ["firewall-group", "/networks/firewall", "firewall.create"], ["rule", "/placement", "placement.rule.create"],
  ["join", "/cluster", "host.join"], ["user", "/users", "user.create"], ["token", "/users", "token.create"],
];
const choices = [["clone", "/vms/{vm}", "vm.clone"], ["migrate", "/vms/{vm}", "vm.migrate"], ["delete", "/vms/{vm}", "delete"], ["maintenance", "/hosts/{host}", "maintenance.enter"]];

for (const [theme, language] of [["light", "en"], ["dark", "ko"]]) {
  const text = await textsOf(language);
  const look = async (page, name) => {
    await page.getByRole("dialog").waitFor();
    await drawn(page);
    const found = await violationsOf(page, name, "dialog");
    for (const [width, height] of Object.entries(widths)) {
      await page.setViewportSize({ width: Number(width), height });
      await drawn(page);
      if (shots) await page.screenshot({ path: `${shots}/dialog-${name}.${theme}-${language}-${width}.png` });
    }
    assert.deepEqual(found, []);
  };
  for (const [name, path, button, of] of dialogs) {
    journey(`dialog ${name} is usable by all, ${theme}, ${language}`, async (page) => {
      await speak(page, theme, language);
      await show(page, await pathOf(path));
      await page.getByRole("main").getByRole("button", of ? { name: `${text[button]}: ${of}` } : { name: text[button], exact: true }).first().click();
      await look(page, name);
    });
  }
  for (const [name, path, item] of choices) {
    journey(`dialog ${name} is usable by all, ${theme}, ${language}`, async (page) => {
      await speak(page, theme, language);
      await show(page, await pathOf(path));
      await page.locator("main header").getByRole("button", { name: text.actions }).click();
      await page.getByRole("menuitem", { name: text[item], exact: true }).click();
      await look(page, name);
    });
  }
}

andNoComplaints();
