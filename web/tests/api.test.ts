import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** What the page leaves to the command line, and why. */
const byCommand: Record<string, string> = {
  "GET /healthz": "for monitors",
  "GET /v1": "for programs that look which version answers",
  "GET /metrics": "for Prometheus",
  "POST /v1/vms/{}/exec": "a program's output belongs in a terminal; the page has the serial console",
  "PUT /v1/vms/{}/file": "files are copied from and to where they lie: lamina vm file",
  "GET /v1/vms/{}/file": "files are copied from and to where they lie: lamina vm file",
  "POST /v1/vms/{}/migrate/forecast": "the page shows where a VM can go at once for all hosts, by its mobility",
  "GET /v1/vms/{}/placement": "the page shows the same and more by a VM's mobility",
  "POST /v1/cluster/join": "a host joins by a command on that host, with a token that the page shows",
  "POST /v1/cluster/address": "it is given on the host whose address changes, since the page may lose its line by it",
  "POST /v1/hosts/{}/shutdown-guests": "systemd asks for it when the host goes down",
  "GET /v1/vms/{}/console/serial": "opened as the path that a ticket gives",
  "GET /v1/vms/{}/console/vnc": "opened as the path that a ticket gives",
  "GET /v1/uploads": "the page resumes only what it sends itself",
  "HEAD /v1/uploads/{}": "for clients of the tus protocol; the page asks by GET",
  "PUT /v1/vms/{}/firewall": "the page sets the groups of a VM card by card",
  "POST /v1/disks": "a disk of its own is made where it is given to a VM",
  "POST /v1/projects": "projects are set up by lamina project",
};

/** What the page gets from the stream of changes, not by a question. */
const watched = ["disks", "firewall-groups", "hosts", "images", "isos", "networks", "operations", "placement-rules", "pools", "projects", "vms"];

/** What stands for a part of a path in the source, and what it can be. */
const parts: Record<string, string[]> = {
  "${verb}": ["start", "shutdown", "stop", "pause", "resume", "reset", "suspend"],
  "${what}": ["disks", "nics", "cdroms"],
  "${path}": ["log", "qemu-args"],
};

function described(): string[] {
  const { paths } = JSON.parse(readFileSync("../docs/openapi.json", "utf8")) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, "{}")}`));
}

function used(): Set<string> {
  const found = new Set<string>();
  const methods: Record<string, string> = { get: "GET", list: "GET", fetch: "GET", post: "POST", patch: "PATCH", remove: "DELETE", fetchFile: "POST" };
  for (const entry of readdirSync("src", { recursive: true, withFileTypes: true })) {
    if (!/\.(ts|svelte)$/.test(entry.name) || entry.name.endsWith(".d.ts")) continue;
    const source = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const call of source.matchAll(/\b(get|list|fetch|fetchFile|post|patch|remove|send|request)(?:<[^(]*>)?\(\s*(?:"([A-Z]+)",\s*)?(?:session\.making\(|located\()?(?:"([^"]*)"|`([^`]*)`)/g)) {
      const method = call[2] ?? methods[call[1]];
      const path = call[3] ?? call[4];
      if (method && path.startsWith("/v1")) for (const one of spelled(path)) found.add(`${method} ${one}`);
    }
    // Given to a component, a link, a name for an address.
    for (const [, path] of source.matchAll(/(?:path|href|address = )=?\s*(?:"|`)(\/v1\/[^"`?]*)/g)) for (const one of spelled(path.replace(/\{(\w+(?:\.\w+)*)\}/g, "${$1}").replaceAll("$$", "$"))) found.add(`GET ${one}`);
  }
  return found;
}

function spelled(path: string): string[] {
  let all = [path.split("?")[0]];
  for (const [part, words] of Object.entries(parts)) all = all.flatMap((one) => (one.includes(`/${part}`) ? words.map((word) => one.replace(part, word)) : [one]));
  return all.map((one) => one.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}(?:\$\{.*\})?/g, "{}").replace(/([^/])\{\}$/, "$1"));
}

const asked = used();
/** One object of a list that the page has, so that it is asked for by itself nowhere. */
const listed = (operation: string) => operation.startsWith("GET ") && operation.endsWith("/{}") && asked.has(operation.slice(0, -3));
/** Of each VM; they come by the stream as well. */
const snapshots = /^GET \/v1\/vms\/\{\}\/snapshots(\/\{\})?$/;
const streamed = (operation: string) => watched.some((kind) => operation === `GET /v1/${kind}` || operation === `GET /v1/${kind}/{}`) || snapshots.test(operation);

it.each(described())("%s is used by the page, or left to the command line for a reason", (operation) => {
  expect(asked.has(operation) || streamed(operation) || listed(operation) || operation in byCommand).toBe(true);
});
it("asks for nothing that there is not", () => expect([...asked].filter((operation) => !described().includes(operation))).toEqual([]));
it("leaves nothing to the command line that it does itself, or that there is not", () => {
  expect(Object.keys(byCommand).filter((operation) => asked.has(operation) || !described().includes(operation))).toEqual([]);
});
