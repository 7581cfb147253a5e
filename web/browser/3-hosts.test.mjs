// Two hosts become one cluster by the page, and guests go between them.
import assert from "node:assert/strict";
import { address, andNoComplaints, api, inBrowser, journey, lamina, newContext, newPage, until, vmNamed, world } from "./world.mjs";

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

journey("a running VM goes to the other host by its menu, with a chart of what is left", async (page) => {
  const from = await hostOf(await vmNamed("walker"));
  await page.goto(`${address}/vms/${(await vmNamed("walker")).id}/mobility`);
  await page.getByRole("cell", { name: "while it runs" }).waitFor();
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Migrate…" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("radio").first().check();
  await form.getByRole("button", { name: "Migrate…" }).click();
  await form.getByText("done", { exact: true }).waitFor();
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
  await form.getByRole("button", { name: "Migrate…" }).click();
  await form.getByText("done", { exact: true }).waitFor();
  assert.equal(await hostOf(await vmNamed("walker")), target);
});

journey("a host is emptied after its plan was shown, and opened again", async (page) => {
  const name = await hostOf(await vmNamed("walker"));
  await page.goto(`${address}/hosts/${(await hostNamed(name)).id}`);
  await page.locator("main header").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Enter maintenance…" }).click();
  const plan = page.getByRole("dialog");
  await plan.getByRole("cell", { name: "walker" }).waitFor();
  await plan.getByLabel("Leave those that cannot move where they are").check();
  await plan.getByRole("button", { name: "Enter maintenance…" }).click();
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
