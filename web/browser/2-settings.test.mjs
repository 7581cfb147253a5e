// What is set for the whole installation, and for oneself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { address, andNoComplaints, answer, api, chosen, inBrowser, journey, newContext, newPage, until } from "./world.mjs";

inBrowser();

journey("the doctor tells how the installation is, and looks again", async (page) => {
  await page.goto(`${address}/settings`);
  const checks = page.getByRole("row");
  await checks.first().waitFor();
  const asked = page.waitForResponse("**/v1/doctor");
  await page.getByRole("button", { name: "Check again" }).click();
  const { checks: told } = await (await asked).json();
  await page.getByText(told.at(-1).message).first().waitFor();
  assert.equal(await checks.count(), told.length);
});

journey("theme and language are chosen, and hold after a reload", async (page) => {
  await page.goto(`${address}/settings`);
  await page.getByLabel("Theme").selectOption("Dark");
  await page.getByLabel("Language").selectOption("한국어");
  await page.getByRole("heading", { name: "설정", level: 1 }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "설정", level: 1 }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
  await page.getByRole("button", { name: /: admin$/ }).click();
  await page.getByRole("menuitemcheckbox", { name: "English" }).click();
  await page.getByLabel("Theme").selectOption("As the system");
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
});

journey("what migrations may do is set; a network that is none is refused beside its field", async (page) => {
  await page.goto(`${address}/settings/migration`);
  await page.getByLabel("Network that guests travel by").fill("the fast one");
  await page.getByLabel("Most that one migration sends (MiB/s)").fill("96");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("'the fast one' is no network").waitFor();
  await page.getByLabel("Network that guests travel by").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("form button:disabled").waitFor(); // nothing is left to save
  assert.equal((await api("/v1/migration")).maxBytesPerSecond, 96 * 2 ** 20);
  await page.reload();
  await page.waitForFunction(() => [...document.querySelectorAll("input[type=number]")].some((field) => field.value === "96"));
  await page.getByLabel("Most that one migration sends (MiB/s)").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("form button:disabled").waitFor();
  assert.equal((await api("/v1/migration")).maxBytesPerSecond ?? null, null);
});

journey("a session elsewhere is ended, and its page asks for the password", async (page) => {
  const other = await newPage(await newContext());
  await other.goto(address);
  await other.getByLabel("User").fill("admin");
  await other.getByLabel("Password").fill(chosen);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("heading", { name: "Overview" }).waitFor();
  const newest = (await api("/v1/sessions")).items.filter((one) => !one.current).sort((left, right) => left.createdAt.localeCompare(right.createdAt)).at(-1);
  await page.goto(`${address}/settings/sessions`);
  await page.getByText("this one").waitFor();
  const order = (await api("/v1/sessions")).items.findIndex((one) => one.id === newest.id);
  await page.locator("tbody").getByRole("row").nth(order).getByRole("button", { name: "End" }).click();
  await until("its end", async () => !(await api("/v1/sessions")).items.some((one) => one.id === newest.id));
  await other.getByRole("link", { name: "Users" }).first().click();
  await other.getByText("Your session has ended.").waitFor();
  await other.context().close();
});

journey("an own certificate that is none is refused in words, the installation's CA is had", async (page) => {
  await page.goto(`${address}/settings/certificate`);
  await page.getByText("SHA-256").waitFor();
  await page.getByLabel("Certificate and chain (PEM)").fill("not one");
  await page.getByLabel("Private key (PEM)").fill("neither");
  await page.getByRole("button", { name: "Set an own certificate" }).click();
  await page.getByText("This is no certificate in PEM.").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "The installation's CA certificate" }).click();
  assert.match(readFileSync(await (await download).path(), "utf8"), /^-----BEGIN CERTIFICATE-----/);
});

journey("a backup is had after its warning, and the support bundle", async (page) => {
  await page.goto(`${address}/settings/safekeeping`);
  for (const [button, name, isAsked] of [["Get a backup", /^lamina-backup/, true], ["Get the bundle", /^lamina-support/, false]]) {
    const download = page.waitForEvent("download");
    await page.getByRole("main").getByRole("button", { name: button }).click();
    if (isAsked) await answer(page, button);
    assert.match((await download).suggestedFilename(), name);
  }
});

journey("the log is looked through by words, level and the number of a request, and stands still when told to", async (page) => {
  await page.goto(`${address}/settings/logs?request=no-such-request`);
  await page.getByText("request no-such-request").waitFor();
  await page.getByText("Nothing is found.").waitFor();
  await page.getByRole("button", { name: "Discard" }).click();
  const lines = page.getByRole("main").getByRole("row");
  await until("the lines", async () => (await lines.count()) > 1);
  await page.getByLabel("Filter").fill("there is no such word in it");
  await page.getByText("Nothing is found.").waitFor();
  await page.getByLabel("Filter").fill("");
  await until("the lines to be back", async () => (await lines.count()) > 1);
  const asked = page.waitForRequest(/level=warning/);
  await page.getByLabel("Level").selectOption("Warnings and errors");
  await asked;
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Follow" }).waitFor();
});

journey("a user is made with a role, and a token is shown once", async (page) => {
  await page.goto(`${address}/users`);
  await page.getByRole("button", { name: "Create a user" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("mina");
  await form.getByLabel("Password").fill("short");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await form.locator("[aria-invalid=true]").waitFor();
  await form.getByLabel("Password").fill("long enough for anybody");
  await form.getByLabel("Role").selectOption("viewer");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("row", { name: /mina.*viewer: \*/ }).waitFor();
  await page.getByRole("button", { name: "Create a token" }).click();
  await form.getByLabel("Name").fill("backup");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  const secret = (await form.locator("pre").innerText()).trim();
  await form.getByRole("button", { name: "Close" }).last().click();
  const program = await newContext();
  assert.equal((await program.request.get(`${address}/v1/vms`)).status(), 401);
  assert.equal((await program.request.get(`${address}/v1/vms`, { headers: { Authorization: `Bearer ${secret}` } })).status(), 200);
  await program.close();
  await page.getByRole("button", { name: "Delete: backup" }).click();
  await answer(page, "Delete");
  await page.getByText("There is no token.").waitFor();
});

andNoComplaints();
