// Every page in both themes and languages: looked at by axe, measured at three widths, and kept as pictures for people.
import assert from "node:assert/strict";
import axe from "axe-core";
import { address, andNoComplaints, api, inBrowser, journey, shots, vmNamed } from "./world.mjs";

const widths = { 390: 844, 1280: 800, 1920: 1080 };
const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

inBrowser();

async function pages() {
  const [vm, hosts, pools, networks] = await Promise.all([vmNamed("shell"), api("/v1/hosts"), api("/v1/pools"), api("/v1/networks")]);
  const of = (name, path, tabs) => tabs.map((tab) => ({ name: `${name}${tab && `-${tab}`}`, path: `${path}${tab && `/${tab}`}` }));
  return [
    { name: "overview", path: "/" },
    ...of("vms", "/vms", ["", "new"]),
    ...of("vm", `/vms/${vm.id}`, ["", "metrics", "hardware", "snapshots", "firewall", "cloud-init", "mobility", "events", "log"]),
    ...of("hosts", "/hosts", [""]),
    ...of("host", `/hosts/${hosts.items[0].id}`, ["", "metrics", "vms", "events"]),
    ...of("placement", "/placement", ["", "balance", "mobility"]), ...of("cluster", "/cluster", [""]),
    ...of("images", "/images", [""]), ...of("isos", "/isos", [""]),
    ...of("pools", "/pools", [""]), ...of("pool", `/pools/${pools.items[0].id}`, [""]),
    ...of("networks", "/networks", ["", "drawing", "firewall"]), ...of("network", `/networks/${networks.items[0].id}`, [""]),
    ...of("events", "/events", ["", "audit"]),
    ...of("users", "/users", [""]), ...of("settings", "/settings", ["", "sessions", "migration", "certificate", "safekeeping", "logs"]),
    ...of("nothing", "/there-is-nothing", [""]),
  ];
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

async function show(page, path) {
  await page.goto(address + path);
  await page.locator("main h1").first().waitFor();
  await page.waitForTimeout(600);
}

for (const theme of ["light", "dark"]) {
  for (const language of ["en", "ko"]) {
    journey(`every page is usable by all, ${theme}, ${language}`, async (page) => {
      await page.evaluate(([t, l]) => { localStorage.setItem("lamina.theme", JSON.stringify(t)); localStorage.setItem("lamina.language", JSON.stringify(l)); }, [theme, language]);
      const found = [];
      for (const { name, path } of await pages()) {
        await page.setViewportSize({ width: 1280, height: 800 });
        await show(page, path);
        found.push(...await violationsOf(page, path, ":root"));
        for (const [width, height] of Object.entries(widths)) {
          await page.setViewportSize({ width: Number(width), height });
          await page.waitForTimeout(150);
          for (const words of await page.evaluate(unfit)) found.push(`${path} at ${width}: ${words}`);
          if (shots) await page.screenshot({ path: `${shots}/${name}.${theme}-${language}-${width}.png` });
        }
      }
      assert.deepEqual(found, []);
    });
  }
}

/** What axe finds in a part of the page, in words. */
async function violationsOf(page, name, part) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(([selector, runOnly]) => window.axe.run(document.querySelector(selector), { runOnly }), [part, standards]);
  return violations.map((violation) => `${name}: ${violation.id} at ${violation.nodes[0].target}: ${violation.nodes[0].failureSummary}`);
}

journey("menus, commands, operations, the drawer of a telephone and consoles are usable by all", async (page) => {
  const found = [];
  const vm = await vmNamed("shell");
  const look = async (name, part) => {
    found.push(...await violationsOf(page, name, part));
    if (shots) await page.screenshot({ path: `${shots}/over-${name}.png` });
  };
  for (const theme of ["light", "dark"]) {
    await page.evaluate((t) => { localStorage.setItem("lamina.theme", JSON.stringify(t)); localStorage.setItem("lamina.language", '"en"'); }, theme);
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
    await page.waitForTimeout(300);
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
      await page.waitForTimeout(1500);
      await look(`console-${kind}-${theme}`, ".bar");
    }
    await show(page, "/");
  }
  assert.deepEqual(found, []);
});

journey("dialogs are usable by all", async (page) => {
  const found = [];
  const vm = await vmNamed("shell");
  const openers = [
    [`/vms/${vm.id}/snapshots`, "Take a snapshot", "snapshot"], ["/images", "Get an image", "pull"], ["/isos", "Upload", "upload"], ["/pools", "Create a pool", "pool"],
    ["/networks", "Create a network", "network"], ["/users", "Create a user", "user"],
  ];
  for (const theme of ["light", "dark"]) {
    await page.evaluate((t) => { localStorage.setItem("lamina.theme", JSON.stringify(t)); localStorage.setItem("lamina.language", '"en"'); }, theme);
    for (const [path, button, name] of openers) {
      await show(page, path);
      await page.getByRole("button", { name: button, exact: true }).first().click();
      await page.getByRole("dialog").waitFor();
      found.push(...await violationsOf(page, name, "dialog"));
      for (const [width, height] of Object.entries(widths)) {
        await page.setViewportSize({ width: Number(width), height });
        if (shots) await page.screenshot({ path: `${shots}/dialog-${name}.${theme}-en-${width}.png` });
      }
    }
  }
  assert.deepEqual(found, []);
});

andNoComplaints();
