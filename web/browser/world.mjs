// What the journeys have in common: a browser with one page that is signed in, the daemon's own answers, and patience. ./dev browser names the daemon.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { brotliDecompressSync } from "node:zlib";
import { chromium } from "playwright-core";
import { transpile } from "typescript";

const { LAMINA_PASSWORD_FILE: passwordFile, LAMINA_DIST: dist, LAMINA_CLI: cli, LAMINA_SOCKET: socket } = process.env;
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
// Pages that a test puts in the daemon's place count as another network's, whose consoles would be refused.
if (dist) flags.push("--disable-features=LocalNetworkAccessChecks");

export const { LAMINA_ADDRESS: address, LAMINA_SHOTS: shots } = process.env;
export const patience = Number(process.env.LAMINA_PATIENCE ?? 60) * 1000;
export const chosen = "a password of one's own";
export const firstPassword = () => readFileSync(passwordFile, "utf8").trim();

/** The browser, its context and page: there while the tests of a file run. */
export const world = { browser: null, context: null, page: null };
const complaints = [];

/** A browser for the tests of this file, signed in unless they begin before that, with what is to be there beforehand; at its end it is known whether anything was asked of another host. */
export function inBrowser({ signedIn = true, prepare = async () => {} } = {}) {
  before(async () => {
    world.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
    world.context = await newContext();
    world.page = await newPage(world.context);
    if (signedIn) await signIn();
    await prepare(world.page);
  });
  after(() => world.browser?.close());
}

export async function newContext(options = {}) {
  const context = await world.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(patience);
  if (dist) await serveFrom(context, dist);
  return context;
}

export async function newPage(context) {
  const page = await context.newPage();
  watch(page);
  return page;
}

/** Everything that this page asks, or fails at, is heard. */
export function watch(page) {
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("request", (request) => { if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url())) complaints.push(`asked another host: ${request.url()}`); });
  page.on("console", (message) => { if (message.type() === "error" && /Content Security Policy/.test(message.text())) complaints.push(message.text()); });
}

/** One thing that a person does; where it fails, the page is kept as a picture. */
export const journey = (name, walk) => test(name, { timeout: 6 * 60_000 }, async () => {
  try {
    await walk(world.page);
  } catch (failure) {
    if (shots) await world.page.screenshot({ path: `${shots}/failed-${name.replace(/\W+/g, "-")}.png` }).catch(() => {});
    throw failure;
  }
});

/** The last of a file's tests. */
export const andNoComplaints = () => test("nothing was asked of another host, and no page failed", () => assert.deepEqual(complaints, []));

/** Chromium drops requests when a card of this machine comes or goes, as guests' cards do: they are made again. */
export const api = (path) => world.page.evaluate(async (one) => {
  for (let tries = 4; ; tries--) {
    const answer = await fetch(one).catch(() => null);
    if (answer) return answer.json();
    if (tries === 0) throw new Error(`${one} is not answered`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}, path);
export const vmNamed = async (name) => (await api("/v1/vms")).items.find((vm) => vm.name === name);
export const stateIs = (name, state) => until(`VM ${name} to be ${state}`, async () => (await vmNamed(name))?.status?.state === state);

export async function until(what, condition) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.fail(`waited in vain for ${what}`);
}

/** Says yes to the question that lies over the page. */
export const answer = (page, button) => page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();

/** The real command line, against this daemon unless another one's socket is named. */
export async function lamina(words, at = socket) {
  const { stdout } = await promisify(execFile)(cli, words, { env: { ...process.env, LAMINA_SOCKET: at, NO_COLOR: "1" }, timeout: 180_000 });
  return stdout;
}

/** All texts of the page in a language, by their keys. */
export async function textsOf(language) {
  const source = transpile(readFileSync(new URL(`../src/i18n/${language}.ts`, import.meta.url), "utf8"), { module: "esnext", target: "esnext" });
  return (await import(`data:text/javascript,${encodeURIComponent(source)}`))[language];
}

/** As the form does it. A daemon that is new is given its password first; that of its first day is gone then. */
async function signIn() {
  await world.page.goto(address);
  await world.page.evaluate(async ([first, own]) => {
    const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const enter = (password) => post("/v1/sessions", { user: "admin", password, cookie: true });
    if ((await enter(own)).ok) return;
    if (!(await enter(first)).ok) throw new Error("neither password opens the daemon");
    await post("/v1/users/admin/password", { current: first, password: own });
  }, [existsSync(passwordFile) ? firstPassword() : "", chosen]);
  await world.page.goto(address);
  await world.page.getByRole("heading", { name: "Overview" }).waitFor();
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

/** While one works on the page: its files from web/dist instead of those in the daemon, under the daemon's own policy. */
async function serveFrom(context, folder) {
  const policy = (await context.request.get(address)).headers()["content-security-policy"];
  await context.route((url) => url.href.startsWith(address) && !/^\/(v1|openapi|metrics|healthz)/.test(url.pathname), (route) => {
    const { pathname } = new URL(route.request().url());
    const name = /\.\w+$/.test(pathname) ? pathname : "/index.html";
    return route.fulfill({ body: brotliDecompressSync(readFileSync(`${folder}${name}.br`)), headers: { "content-type": types[/\.\w+$/.exec(name)[0]] ?? "application/octet-stream", "content-security-policy": policy } });
  });
}
