// The journeys of a person through the web console: a real daemon, real guests, a real browser. Run by ./dev browser, which names the daemon.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import axe from "axe-core";
import { chromium } from "playwright-core";

const { LAMINA_ADDRESS: address, LAMINA_PASSWORD_FILE: passwordFile, LAMINA_SHOTS: shots } = process.env;
const patience = 60_000;
const chosen = "a password of one's own";
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser, context, page;
const complaints = [];

before(async () => {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
  context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  context.setDefaultTimeout(patience);
  page = await context.newPage();
  watch(page);
});

after(() => browser?.close());

function watch(one) {
  one.on("pageerror", (error) => complaints.push(error.message));
  one.on("request", (request) => { if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url())) complaints.push(`asked another host: ${request.url()}`); });
  one.on("console", (message) => { if (message.type() === "error" && /Content Security Policy/.test(message.text())) complaints.push(message.text()); });
}

const api = (path) => page.evaluate(async (one) => (await fetch(one)).json(), path);
const vmNamed = async (name) => (await api("/v1/vms")).items.find((vm) => vm.name === name);

async function until(what, condition) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.fail(`${what} has not come`);
}

test("the first log-in asks for a password of one's own", async () => {
  await page.goto(address);
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The user or the password is wrong.").waitFor();
  await page.getByLabel("Password").fill(readFileSync(passwordFile, "utf8").trim());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("New password", { exact: true }).fill(chosen);
  await page.getByLabel("New password, again").fill(chosen);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal((await context.cookies()).every((cookie) => cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict"), true);
});

test("a VM is made from an image by the form, and a second browser sees it at once", async () => {
  const other = await (await browser.newContext({ ignoreHTTPSErrors: true, storageState: await context.storageState() })).newPage();
  watch(other);
  await other.goto(`${address}/vms`);
  await page.goto(`${address}/vms/new`);
  await page.getByLabel("Name").fill("Not A Label");
  await page.getByRole("button", { name: "Create a VM" }).click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  await page.getByLabel("Name").fill("made");
  await page.getByLabel("Memory (MiB)").fill("128");
  await page.getByLabel("Disk (GiB)").fill("1");
  await page.getByRole("button", { name: "Create a VM" }).click();
  await page.getByRole("heading", { name: "made" }).waitFor();
  await other.getByRole("link", { name: "made" }).first().waitFor({ timeout: patience });
  await until("the guest", async () => (await vmNamed("made"))?.status?.state === "running");
  await other.context().close();
});

test("text typed on the serial console is seen by the guest, and its answer by us", async () => {
  const vm = await vmNamed("shell");
  const console = await context.newPage();
  watch(console);
  await console.goto(`${address}/console/${vm.id}/serial`);
  await console.getByText("connected").waitFor();
  await console.locator(".xterm-helper-textarea").focus();
  await until("the answer", async () => {
    await console.keyboard.type("echo $((6*7))answer\n");
    await console.waitForTimeout(1500);
    return (await console.locator(".xterm-rows").innerText()).includes("42answer");
  });
  await console.close();
});

test("the screen is shown, and keys reach the guest", async () => {
  const vm = await vmNamed("shell");
  const console = await context.newPage();
  watch(console);
  await console.goto(`${address}/console/${vm.id}/vnc`);
  await console.getByText("connected").waitFor();
  const canvas = console.locator(".screen canvas");
  await canvas.waitFor();
  const picture = () => canvas.evaluate((element) => element.toDataURL());
  const before = await picture();
  await until("a change on the screen", async () => {
    await console.keyboard.type("echo seen\n");
    await console.waitForTimeout(1000);
    return (await picture()) !== before;
  });
  await console.close();
});

test("a disk is plugged in while the guest runs", async () => {
  const vm = await vmNamed("shell");
  await page.goto(`${address}/vms/${vm.id}/hardware`);
  await page.getByLabel("Size (GiB)").fill("1");
  await page.getByRole("button", { name: "Add a disk" }).click();
  await until("the disk", async () => (await vmNamed("shell")).spec.disks?.length === 1);
});

test("a snapshot is taken, gone back to, and deleted", async () => {
  const vm = await vmNamed("made");
  await page.goto(`${address}/vms/${vm.id}/snapshots`);
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("before");
  await form.getByRole("button", { name: "Take a snapshot" }).click();
  await page.getByText("before", { exact: true }).waitFor();
  await until("the snapshot", async () => (await api(`/v1/vms/${vm.id}/snapshots`)).items[0]?.status?.state === "ready");
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await until("the end of the restore", async () => (await api("/v1/operations")).items.some((one) => one.request.kind === "snapshot.restore" && one.state?.phase === "succeeded"));
  await page.getByRole("button", { name: "Delete: before" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await until("its end", async () => (await api(`/v1/vms/${vm.id}/snapshots`)).items.length === 0);
});

test("what is searched for is found by the keyboard alone", async () => {
  await page.goto(`${address}/vms`);
  await page.getByRole("heading", { name: "VMs" }).waitFor();
  await page.keyboard.press("/");
  await page.getByRole("combobox").fill("shell");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "shell" }).waitFor();
});

test("an expired session asks for the password over the page, which stays", async () => {
  await page.goto(`${address}/vms/new`);
  await page.getByLabel("Name").fill("half-written");
  await page.evaluate(() => fetch("/v1/sessions/current", { method: "DELETE" }));
  await page.getByText("Your session has ended.").waitFor();
  await page.locator(".again input[type=password]").fill(chosen);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Your session has ended.").waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Name").inputValue(), "half-written");
});

const pages = ["/", "/vms", "/vms/new", "/hosts", "/images", "/isos", "/pools", "/networks", "/networks/drawing", "/events", "/users", "/settings"];
for (const theme of ["light", "dark"]) {
  for (const language of ["en", "ko"]) {
    test(`every page is usable by all, ${theme}, ${language}`, async () => {
      const vm = await vmNamed("shell");
      await page.evaluate(([t, l]) => { localStorage.setItem("lamina.theme", JSON.stringify(t)); localStorage.setItem("lamina.language", JSON.stringify(l)); }, [theme, language]);
      const found = [];
      for (const path of [...pages, `/vms/${vm.id}`, `/vms/${vm.id}/hardware`, `/vms/${vm.id}/metrics`, `/vms/${vm.id}/mobility`]) {
        await page.goto(address + path);
        await page.locator("main h1").first().waitFor();
        await page.waitForTimeout(500);
        if (shots) await page.screenshot({ path: `${shots}/${theme}-${language}${path.replace(vm.id, "vm").replaceAll("/", "-")}.png` });
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
        for (const violation of violations) found.push(`${path}: ${violation.id} at ${violation.nodes[0].target}: ${violation.nodes[0].failureSummary}`);
      }
      assert.deepEqual(found, []);
    });
  }
}

test("nothing was asked of another host, and no page failed", () => assert.deepEqual(complaints, []));
