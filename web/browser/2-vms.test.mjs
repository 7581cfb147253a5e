// A VM's life by the page: made, worked with, changed while it runs, put back.
import assert from "node:assert/strict";
import { address, andNoComplaints, answer, api, inBrowser, journey, newContext, newPage, stateIs, until, vmNamed, watch, world } from "./world.mjs";

const gib = 2 ** 30;

inBrowser();

/** Picks one of the VM's actions as a person does. */
async function choose(page, action) {
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

journey("a VM is made from an image by the form, and a second browser sees it at once", async (page) => {
  const other = await newPage(await newContext({ storageState: await world.context.storageState() }));
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
  await other.getByRole("table").getByRole("link", { name: "made" }).waitFor();
  await stateIs("made", "running");
  await other.getByRole("row", { name: /made/ }).getByText("running").waitFor();
  await other.context().close();
});

journey("before a VM is made its form tells where it would land, what it takes there, and what cannot be", async (page) => {
  await page.goto(`${address}/vms/new`);
  await page.getByLabel("Name").fill("told");
  await page.getByLabel("Memory (MiB)").fill("128");
  const forecast = page.locator("section", { has: page.getByRole("heading", { name: "Where it would land" }) });
  await forecast.getByRole("link", { name: "first" }).waitFor();
  await forecast.getByText("128 MiB for the guest").waitFor();
  await forecast.getByText("can take it", { exact: true }).waitFor();
  await page.locator("pre", { hasText: "lamina vm launch told" }).waitFor();
  await page.getByLabel("Memory (MiB)").fill("9999999");
  await forecast.getByText("As it stands, it could not be made.").waitFor();
  assert.equal(await page.getByLabel("Memory (MiB)").getAttribute("aria-invalid"), "true");
  assert.equal(await vmNamed("told"), undefined);
});

journey("an upload is taken up again where its line broke", async (page) => {
  // The rescue CD, made longer: it takes several pieces, one of which is lost on its way.
  let pieces = 0;
  await page.route("**/v1/uploads/*", (route) => (route.request().method() === "PATCH" && ++pieces === 2 ? route.abort("connectionreset") : route.fallback()));
  await page.goto(`${address}/isos`);
  await page.getByRole("button", { name: "Upload" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("File").setInputFiles(process.env.LAMINA_ISO);
  await form.getByLabel("Name").fill("rescue");
  await form.getByRole("button", { name: "Upload" }).click();
  await form.waitFor({ state: "detached" });
  await until("the ISO", async () => (await api("/v1/isos")).items.find((iso) => iso.name === "rescue")?.status?.state === "ready");
  assert.ok(pieces > 3, `the file went in ${pieces} pieces`);
  await page.unroute("**/v1/uploads/*");
});

journey("a VM is made from an ISO, whose system is seen and takes keys", async (page) => {
  await page.goto(`${address}/vms/new`);
  await page.getByLabel("Name").fill("installer");
  await page.getByRole("radio", { name: "ISO" }).check();
  await page.getByLabel("ISO", { exact: true }).last().selectOption("rescue");
  await page.getByLabel("Memory (MiB)").fill("128");
  await page.getByLabel("Disk (GiB)").fill("1");
  await page.getByRole("button", { name: "Create a VM" }).click();
  await page.getByRole("heading", { name: "installer" }).waitFor();
  await stateIs("installer", "running");
  await page.getByRole("img", { name: "Screen of installer" }).waitFor();
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: "Console", exact: true }).click();
  const console = await opened;
  watch(console);
  await keysChangeTheScreen(console);
  await console.close();
});

async function keysChangeTheScreen(console) {
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
}

journey("the screen is shown, and keys reach the guest", async () => {
  const console = await newPage(world.context);
  await console.goto(`${address}/console/${(await vmNamed("shell")).id}/vnc`);
  await keysChangeTheScreen(console);
  await console.getByLabel("Text to type").fill("echo pasted");
  await console.getByRole("button", { name: "Type", exact: true }).click();
  await until("the field to be empty", async () => (await console.getByLabel("Text to type").inputValue()) === "");
  await console.close();
});

journey("both consoles stay open while what is on record of their VM changes", async (page) => {
  const { id } = await vmNamed("shell");
  for (const kind of ["vnc", "serial"]) {
    const console = await newPage(world.context);
    let openings = 0;
    console.on("websocket", () => openings++);
    await console.goto(`${address}/console/${id}/${kind}`);
    await console.getByText("connected").waitFor();
    const before = openings;
    for (const name of ["renamed", "shell"]) {
      await page.evaluate(([vm, to]) => fetch(`/v1/vms/${vm}`, { method: "PATCH", headers: { "Content-Type": "application/merge-patch+json" }, body: JSON.stringify({ name: to }) }), [id, name]);
      await console.locator(".bar strong", { hasText: name }).waitFor();
    }
    assert.equal(openings, before);
    await console.close();
  }
});

/** What the guest says to a command on its serial console. */
async function askGuest(command, expected) {
  const console = await newPage(world.context);
  await console.goto(`${address}/console/${(await vmNamed("shell")).id}/serial`);
  await console.getByText("connected").waitFor();
  await console.locator(".xterm-helper-textarea").focus();
  await until(`the guest to say ${expected}`, async () => {
    await console.keyboard.press("Control+c"); // what a line that broke meanwhile has left half
    await console.keyboard.type(`${command}\n`);
    await console.waitForTimeout(1500);
    return (await console.locator(".xterm-rows").innerText()).includes(expected);
  });
  await console.close();
}

journey("text typed on the serial console is seen by the guest, and its answer by us", () => askGuest("echo $((6*7))answer", "42answer"));

journey("a disk and a card are plugged in while the guest runs, which sees them", async (page) => {
  const vm = await vmNamed("shell");
  await page.goto(`${address}/vms/${vm.id}/hardware`);
  await page.getByLabel("Size (GiB)").fill("1");
  await page.getByRole("button", { name: "Add a disk" }).click();
  await until("the disk", async () => (await vmNamed("shell")).spec.disks?.length === 1);
  await page.getByRole("cell", { name: "shell-disk0", exact: true }).waitFor();
  const cards = vm.spec.nics?.length ?? 0;
  await page.getByRole("button", { name: "Add a card" }).click();
  await until("the card", async () => (await vmNamed("shell")).spec.nics?.length === cards + 1);
  await askGuest("echo disks=$(ls -d /sys/block/vd* | wc -l) cards=$(ls -d /sys/class/net/eth* | wc -l)", `disks=1 cards=${cards + 1}`);
  const added = (await vmNamed("shell")).spec.nics.at(-1);
  await page.getByRole("button", { name: `Remove: ${added.mac}` }).click();
  await answer(page, "Remove");
  await until("the card to go", async () => (await vmNamed("shell")).spec.nics?.length === cards);
});

journey("memory is given to a guest while it runs, which has it at once", async (page) => {
  await askGuest("echo online_movable > /sys/devices/system/memory/auto_online_blocks; echo movable$((1+1))", "movable2");
  await page.goto(`${address}/vms/${(await vmNamed("shell")).id}/hardware`);
  await page.getByLabel("Memory (MiB)").fill("448");
  await page.getByRole("button", { name: "Save" }).click();
  await until("the wish", async () => (await vmNamed("shell")).spec.memoryMiB === 448);
  // Of the 256 MiB of its start less than 262144 kB are the guest's.
  await askGuest("echo grown=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) > 300000))", "grown=1");
  assert.equal((await vmNamed("shell")).status.pending?.length ?? 0, 0);
});

journey("a CPU that this run has no room for waits for the next start, and the page says so", async (page) => {
  await page.goto(`${address}/vms/${(await vmNamed("made")).id}/hardware`);
  await page.getByLabel("vCPUs").fill("2");
  await page.getByRole("button", { name: "Save" }).click();
  await until("the wish", async () => (await vmNamed("made")).spec.cpus === 2);
  await until("the word", async () => (await vmNamed("made")).status.pending?.some((change) => change.path === "$.cpus"));
  await page.getByText((await vmNamed("made")).status.pending.find((change) => change.path === "$.cpus").reason).first().waitFor();
});

journey("a VM is paused, goes on, is cut off and started again", async (page) => {
  await page.goto(`${address}/vms/${(await vmNamed("made")).id}`);
  await choose(page, "Pause");
  await page.locator("main header").getByText("paused").waitFor();
  await choose(page, "Resume");
  await page.locator("main header").getByText("running").waitFor();
  await choose(page, "Cut the power");
  await answer(page, "Cut the power");
  await page.locator("main header").getByText("stopped").waitFor();
  assert.equal((await vmNamed("made")).status.pending?.length ?? 0, 0);
  await page.locator("main header").getByRole("button", { name: "Start" }).click();
  await page.locator("main header").getByText("running").waitFor();
});

journey("a snapshot is taken, gone back to, and deleted", async (page) => {
  const vm = await vmNamed("made");
  await page.goto(`${address}/vms/${vm.id}/snapshots`);
  await page.getByRole("button", { name: "Take a snapshot" }).first().click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("before");
  await form.getByRole("button", { name: "Take a snapshot" }).click();
  await page.getByText("before", { exact: true }).waitFor();
  await until("the snapshot", async () => (await api(`/v1/vms/${vm.id}/snapshots`)).items[0]?.status?.state === "ready");
  await page.getByRole("button", { name: "Restore" }).click();
  await answer(page, "Restore");
  await until("the end of the restore", async () => (await api(`/v1/operations?kind=snapshot.restore`)).items.some((one) => one.state?.phase === "succeeded"));
  await stateIs("made", "running");
  await page.getByRole("button", { name: "Delete: before" }).click();
  await answer(page, "Delete");
  await until("its end", async () => (await api(`/v1/vms/${vm.id}/snapshots`)).items.length === 0);
});

journey("several VMs are chosen and deleted at once, after their number was typed", async (page) => {
  await page.goto(`${address}/vms`);
  for (const name of ["made", "installer"]) await page.getByRole("checkbox", { name }).check();
  await page.getByText("2 selected").waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const question = page.getByRole("dialog");
  assert.equal(await question.getByRole("button", { name: "Delete", exact: true }).isDisabled(), true);
  await question.getByRole("textbox").fill("2");
  await answer(page, "Delete");
  await until("their end", async () => !(await vmNamed("made")) && !(await vmNamed("installer")));
  await page.getByRole("table").getByRole("link", { name: "made" }).waitFor({ state: "detached" });
  assert.equal((await api("/v1/disks")).items.filter((disk) => disk.spec.sizeBytes === gib && disk.spec.vm == null).length, 0);
});

andNoComplaints();
