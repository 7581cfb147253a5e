// Who comes in, and how: on a daemon that nobody has used yet.
import assert from "node:assert/strict";
import { address, andNoComplaints, chosen, firstPassword, inBrowser, journey, world } from "./world.mjs";

inBrowser({ signedIn: false });

journey("the first log-in asks for a password of one's own", async (page) => {
  await page.goto(address);
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The user or the password is wrong.").waitFor();
  await page.getByLabel("Password").fill(firstPassword());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("New password", { exact: true }).fill(chosen);
  await page.getByLabel("New password, again").fill("another one than before");
  await page.getByText("This differs from the new password.").waitFor();
  await page.getByLabel("New password, again").fill(chosen);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal((await world.context.cookies()).every((cookie) => cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict"), true);
});

journey("an expired session asks for the password over the page, which stays", async (page) => {
  await page.goto(`${address}/vms/new`);
  await page.getByLabel("Name").fill("half-written");
  await page.evaluate(() => fetch("/v1/sessions/current", { method: "DELETE" }));
  await page.getByText("Your session has ended.").waitFor();
  await page.locator(".again input[type=password]").fill(chosen);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Your session has ended.").waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Name").inputValue(), "half-written");
});

journey("a dialog, too, is still there after the log-in, and goes on", async (page) => {
  await page.goto(`${address}/networks`);
  await page.getByRole("button", { name: "Create a network" }).click();
  const form = page.locator("dialog form#network");
  await form.getByLabel("Name").fill("late");
  await form.getByLabel("Kind").selectOption("isolated");
  await page.evaluate(() => fetch("/v1/sessions/current", { method: "DELETE" }));
  await page.getByText("Your session has ended.").waitFor();
  await page.locator(".again input[type=password]").fill(chosen);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Your session has ended.").waitFor({ state: "detached" });
  await page.getByRole("dialog").getByRole("button", { name: "Create a network" }).click();
  await page.getByRole("table").getByRole("link", { name: "late" }).waitFor();
});

andNoComplaints();
