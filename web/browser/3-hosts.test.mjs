// Two hosts become one cluster by the page, and guests go between them.
import assert from "node:assert/strict";
import { address, andNoComplaints, answer, api, inBrowser, journey, lamina, newContext, newPage, until, vmNamed, world } from "./world.mjs";

const second = process.env.LAMINA_SOCKET_2;

inBrowser();

const hostNamed = async (name) => (await api("/v1/hosts")).items.find((host) => host.name === name);
const hostOf = async (vm) => (await api("/v1/hosts")).items.find((host) => host.id === vm.assignment?.host)?.name;

journey("a host that is alone becomes the first of a cluster by the page", async (page) => {
  await page.goto(`${address}/hosts`);
  await page.getByRole("button", { name: "Add a host" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name of the cluster").fill("dc1");
  await form.getByLabel("Its address for the other hosts").fill("10.213.77.1");
  await form.getByRole("button", { name: "Make the cluster" }).click();
  await form.locator("pre").waitFor();
  await page.keyboard.press("Escape");
  await lamina(["pool", "create", "shared", "--path", process.env.LAMINA_POOL, "--shared"]);
  await lamina(["vm", "launch", "walker", "--memory", "128MiB", "--disk", "64MiB", "--pool", "shared", "--network", "none"]);
  await page.goto(`${address}/`);
  await page.locator("main").getByText("dc1 · etcd").waitFor();
});

journey("a host joins by the command that the page shows, and every page has it", async (page) => {
  const other = await newPage(await newContext({ storageState: await world.context.storageState() }));
  await other.goto(`${address}/`);
  await page.goto(`${address}/hosts`);
  await page.getByRole("button", { name: "Add a host" }).click();
  const words = (await page.getByRole("dialog").locator("pre").innerText()).trim().split(" ");
  assert.deepEqual(words.slice(0, 3), ["lamina", "cluster", "join"]);
  await lamina(words.slice(1), second);
  await page.keyboard.press("Escape");
  await page.getByRole("table").getByRole("link", { name: "second" }).waitFor();
  await other.getByRole("tree").getByRole("link", { name: "second" }).waitFor();
  await other.context().close();
  await until("both hosts to have the shared pool", async () => {
    const shared = (await api("/v1/pools")).items.find((pool) => pool.name === "shared");
    return (await api(`/v1/pools/${shared.id}`)).hosts?.filter((host) => host.status?.available).length === 2;
  });
});

journey("the cluster's page knows its members, and shows the command by which another one joins", async (page) => {
  await page.goto(`${address}/cluster`);
  await page.getByRole("heading", { name: "dc1" }).waitFor();
  await page.getByText("no voter may fail").waitFor();
  await page.getByRole("row", { name: /^first leader live voter/ }).waitFor();
  await page.getByRole("row", { name: /^second live/ }).waitFor();
  await page.getByRole("button", { name: "Add a host" }).click();
  assert.match(await page.getByRole("dialog").locator("pre").innerText(), /^lamina cluster join \S{20,}$/);
});

journey("a member of a cluster is told how the cluster's state is kept, and gives no archive of its own", async (page) => {
  await page.goto(`${address}/settings/safekeeping`);
  await page.getByText("laminad cluster-recover --snapshot FILE").waitFor();
  assert.equal(await page.getByRole("button", { name: "Get a backup" }).count(), 0);
  assert.equal(await page.evaluate(() => fetch("/v1/backups", { method: "POST" }).then((answer) => answer.status)), 409);
});

journey("a running VM goes to the other host by its menu, with a chart of what is left", async (page) => {
  const from = await hostOf(await vmNamed("walker"));
  await page.goto(`${address}/vms/${(await vmNamed("walker")).id}/mobility`);
  await page.getByRole("cell", { name: "while it runs" }).waitFor();
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Migrate…" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("radio").first().check();
  await form.getByRole("button", { name: "Migrate" }).click();
  await form.getByText("done", { exact: true }).waitFor();
  await form.getByRole("figure", { name: "Left to send" }).locator("canvas").waitFor();
  await form.getByText("Changed by the guest").first().waitFor();
  await page.keyboard.press("Escape");
  assert.notEqual(await hostOf(await vmNamed("walker")), from);
  assert.equal((await vmNamed("walker")).status.state, "running");
});

journey("a VM is dragged in the tree onto another host", async (page) => {
  const target = (await hostOf(await vmNamed("walker"))) === "second" ? (await api("/v1/hosts")).items.find((host) => host.name !== "second").name : "second";
  await page.goto(`${address}/`);
  const tree = page.getByRole("tree");
  await tree.getByRole("link", { name: "walker" }).dragTo(tree.getByRole("link", { name: target, exact: true }));
  const form = page.getByRole("dialog");
  await form.getByRole("button", { name: "Migrate" }).click();
  await form.getByText("done", { exact: true }).waitFor();
  assert.equal(await hostOf(await vmNamed("walker")), target);
});

journey("a rule keeps a VM where it is; its page tells why it goes nowhere else", async (page) => {
  const walker = await vmNamed("walker");
  const home = await hostOf(walker);
  await page.goto(`${address}/placement`);
  await page.getByRole("button", { name: "Create a rule" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("stay");
  await form.getByLabel("Kind").selectOption("On these hosts only");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await form.getByText("Mend what is marked above.").waitFor();
  await form.getByRole("checkbox", { name: home, exact: true }).check();
  await form.getByLabel("VMs").fill("walk");
  await form.getByRole("checkbox", { name: "walker" }).check();
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("row", { name: /^stay/ }).getByText("kept").waitFor();
  await page.goto(`${address}/vms/${walker.id}/mobility`);
  await page.getByText(`walker: on ${home} only`).waitFor();
  await page.getByRole("row", { name: home === "first" ? /^second no/ : /^first no/ }).getByText("rule 'stay'").waitFor();
  await page.goto(`${address}/placement`);
  await page.getByRole("button", { name: "Delete: stay" }).click();
  await answer(page, "Delete");
  await page.getByText("There is no rule yet.").waitFor();
});

journey("a host is emptied after its plan was shown, and opened again", async (page) => {
  const name = await hostOf(await vmNamed("walker"));
  await page.goto(`${address}/hosts/${(await hostNamed(name)).id}`);
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Enter maintenance…" }).click();
  const plan = page.getByRole("dialog");
  await plan.getByRole("cell", { name: "walker" }).waitFor();
  await plan.getByLabel("Leave those that cannot move where they are").check();
  await plan.getByRole("button", { name: "Enter maintenance" }).click();
  await page.locator("main header").getByText("maintenance").waitFor();
  await until("walker to have left", async () => (await hostOf(await vmNamed("walker"))) !== name);
  await page.goto(`${address}/`);
  await page.locator("main").getByRole("link", { name, exact: true }).first().waitFor();
  await page.goto(`${address}/hosts/${(await hostNamed(name)).id}`);
  await until("the entry to end", async () => (await api("/v1/operations")).items.some((one) => one.request.kind === "host.maintenance" && one.state?.phase === "succeeded"));
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Exit maintenance" }).click();
  await page.locator("main header").getByText("live", { exact: true }).waitFor();
  await until("walker to be back", async () => (await hostOf(await vmNamed("walker"))) === name);
});

andNoComplaints();
