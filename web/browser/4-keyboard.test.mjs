// The page by the keyboard alone.
import assert from "node:assert/strict";
import { address, andNoComplaints, inBrowser, journey, until, vmNamed } from "./world.mjs";

inBrowser();

const focused = (page) => page.evaluate(() => {
  const { activeElement: element, body } = document;
  return element === body ? "nothing" : element.getAttribute("aria-label") || element.innerText.trim() || element.tagName;
});

/** Where the focus is can be seen: an outline, or a colour of its own. */
const isSeen = (page) => page.evaluate(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
});

journey("what is searched for is found by the keyboard alone", async (page) => {
  await page.goto(`${address}/vms`);
  await page.getByRole("heading", { name: "VMs" }).waitFor();
  await page.keyboard.press("/");
  await page.getByRole("combobox").fill("shell");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "shell" }).waitFor();
});

journey("a command is given by its name", async (page) => {
  await page.goto(`${address}/`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("pools");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Pools" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await page.getByRole("combobox").waitFor({ state: "detached" });
});

journey("every stop of the tab key is seen, the first leads past the navigation", async (page) => {
  await page.goto(`${address}/vms`);
  await page.getByRole("table").getByRole("link", { name: "shell" }).waitFor();
  const stops = [];
  for (let count = 0; count < 60; count++) {
    await page.keyboard.press("Tab");
    const name = await focused(page);
    if (name === "nothing") break; // the browser's own bar comes next
    stops.push(name);
    assert.ok(await isSeen(page), `the focus on ${name} is seen`);
  }
  assert.equal(stops[0], "Skip to the content");
  for (const stop of ["Search", "Filter", "shell", "Operations"]) assert.ok(stops.some((name) => name.includes(stop)), `${stop} is among ${stops.join(" | ")}`);
});

journey("the tree is walked, closed and opened by arrows", async (page) => {
  await page.goto(`${address}/`);
  const tree = page.getByRole("tree");
  await tree.getByRole("link", { name: "shell" }).waitFor();
  await tree.getByRole("link").first().focus();
  const host = await focused(page);
  await page.keyboard.press("ArrowLeft");
  await tree.getByRole("link", { name: "shell" }).waitFor({ state: "detached" });
  await page.keyboard.press("ArrowRight");
  await tree.getByRole("link", { name: "shell" }).waitFor();
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await focused(page), host);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/vms\//);
});

journey("rows of a table, their menus and a question are reached by keys, and the focus comes back", async (page) => {
  await page.goto(`${address}/vms`);
  const link = page.getByRole("table").getByRole("link", { name: "shell" });
  await link.focus();
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor();
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Actions: shell" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  assert.ok(await isSeen(page), "the menu's item with the focus is seen");
  await page.keyboard.press("End");
  assert.match(await focused(page), /Delete/);
  await page.keyboard.press("Enter");
  const question = page.getByRole("dialog");
  await question.waitFor();
  for (let count = 0; count < 12; count++) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "the focus stays in the question");
  }
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await until("the focus to be back", async () => (await focused(page)) === "Actions: shell");
  assert.ok(await vmNamed("shell"));
});

andNoComplaints();
