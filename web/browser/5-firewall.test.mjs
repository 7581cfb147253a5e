// A firewall group by the page: made, filled with rules, borne by a card that runs.
import assert from "node:assert/strict";
import { address, andNoComplaints, api, answer, inBrowser, journey, until, vmNamed } from "./world.mjs";

inBrowser();

const groupNamed = async (name) => (await api("/v1/firewall-groups")).items.find((group) => group.name === name);

journey("a firewall group gets its rules, and a wrong port is refused beside its field", async (page) => {
  await page.goto(`${address}/networks/firewall`);
  await page.getByRole("button", { name: "Create a firewall group" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("web");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: "web", exact: true }).waitFor();
  await page.getByLabel("Ports").fill("80, 99999");
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.locator("[aria-invalid=true]").waitFor();
  await page.getByLabel("Ports").fill("80, 8000-8100");
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByRole("row", { name: "accept TCP 80, 8000-8100 from anybody" }).waitFor();
  await page.getByLabel("Protocol").selectOption("ICMP");
  await page.getByLabel("From", { exact: true }).selectOption("an address range");
  await page.getByLabel("CIDR").fill("10.0.0.0/8");
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByRole("button", { name: "Delete: accept ICMP from 10.0.0.0/8" }).click();
  await page.getByRole("row", { name: "accept ICMP from 10.0.0.0/8" }).waitFor({ state: "detached" });
  assert.equal((await groupNamed("web")).spec.rules.length, 1);
});

journey("a card of a running VM bears the group, which is in force, and cannot be deleted then", async (page) => {
  const vm = await vmNamed("shell");
  await page.goto(`${address}/vms/${vm.id}/hardware`);
  await page.getByRole("button", { name: `Change: ${vm.spec.nics[0].mac}` }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("checkbox", { name: "web" }).check();
  await form.getByRole("button", { name: "Save" }).click();
  await form.waitFor({ state: "detached" });
  await page.goto(`${address}/vms/${vm.id}/firewall`);
  await page.getByText("in force").waitFor();
  await page.getByRole("row", { name: /web accept TCP 80, 8000-8100 from anybody/ }).waitFor();
  await page.goto(`${address}/networks/firewall`);
  await page.getByRole("button", { name: "Actions: web" }).click();
  assert.ok(await page.getByRole("menuitem", { name: "Delete VMs bear it." }).isDisabled());
  await page.keyboard.press("Escape");
});

journey("a group that nothing bears is deleted, after a question", async (page) => {
  await page.goto(`${address}/networks/firewall`);
  await page.getByRole("button", { name: "Create a firewall group" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("web");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await form.getByRole("alert").getByText("Choose another name.").waitFor();
  await form.getByLabel("Name").fill("spare");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: "spare", exact: true }).waitFor();
  await page.goto(`${address}/networks/firewall`);
  await page.getByRole("button", { name: "Actions: spare" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await answer(page, "Delete");
  await page.getByRole("table").getByRole("link", { name: "spare" }).waitFor({ state: "detached" });
  await until("its end", async () => !(await groupNamed("spare")));
});

andNoComplaints();
