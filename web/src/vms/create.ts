import type { VmCreate } from "../api/types";
import { defaultProject } from "../session/rights";

/** Empty: as the server chooses. */
export interface NewDisk {
  gib: number;
  pool: string;
  bus: "" | "virtio" | "scsi" | "sata";
}

/** Empty: the default network, the next free address, a MAC address that is drawn. */
export interface NewNic {
  network: string;
  address: string;
  mac: string;
}

/** As many as a VM can have. */
export const most = { disks: 16, nics: 8 };

export const newDisk = (gib: number): NewDisk => ({ gib, pool: "", bus: "" });
export const newNic = (): NewNic => ({ network: "", address: "", mac: "" });

/** What the form holds. */
export interface Wish {
  name: string;
  project: string;
  source: "image" | "iso" | "empty";
  image: string;
  iso: string;
  operatingSystem: string;
  cpus: number;
  memoryMiB: number;
  /** The first one is made from the image, when there is one. */
  disks: NewDisk[];
  nics: NewNic[];
  firmware: "" | "bios" | "uefi";
  user: string;
  password: string;
  sshKey: string;
  tags: string;
  start: boolean;
}

const gib = 2 ** 30;

/** Pure: the end of the address. The project is named there, where the server looks whether one may. */
export const queryOf = (wish: Wish) => (wish.project === defaultProject ? "" : `?project=${encodeURIComponent(wish.project)}`);

/** Pure: the request for a wish. */
export function requestOf(wish: Wish): VmCreate {
  const keys = keysOf(wish);
  const cloudInit = wish.source === "image" && (wish.user || wish.password || keys.length > 0)
    ? { user: wish.user || null, password: wish.password || null, sshKeys: keys.length > 0 ? keys : null }
    : undefined;
  const request: VmCreate = {
    name: wish.name, cpus: wish.cpus, memoryMiB: wish.memoryMiB, start: wish.start,
    disks: wish.disks.map((disk, index) => ({
      sizeBytes: disk.gib * gib, ...(wish.source === "image" && index === 0 ? { image: wish.image } : {}), ...(disk.pool ? { pool: disk.pool } : {}), ...(disk.bus ? { bus: disk.bus } : {}),
    })),
  };
  if (wish.source === "iso") request.isos = [wish.iso];
  if (wish.operatingSystem) request.operatingSystem = wish.operatingSystem;
  if (!isUsual(wish.nics)) request.nics = wish.nics.map((nic) => Object.fromEntries(Object.entries(nic).map(([key, value]) => [key, value.trim()]).filter(([, value]) => value)));
  if (wish.firmware) request.firmware = wish.firmware;
  if (cloudInit) request.cloudInit = cloudInit;
  const tags = tagsOf(wish);
  if (tags.length > 0) request.tags = tags;
  return request;
}

/** Pure: the same as a command. A password is not written into one: the command asks for it. */
export function commandOf(wish: Wish): string {
  const words = ["lamina", "vm", wish.start ? "launch" : "create", quote(wish.name)];
  const option = (name: string, value: string | number) => words.push(`--${name}`, quote(String(value)));
  if (wish.source === "image") option("image", wish.image);
  if (wish.source === "iso") option("iso", wish.iso);
  option("cpus", wish.cpus);
  option("memory", `${wish.memoryMiB}MiB`);
  for (const disk of wish.disks) option("disk", [`${disk.gib}GiB`, ...pairs({ pool: disk.pool, bus: disk.bus })].join(","));
  if (wish.disks.length === 0) option("disk", "none");
  if (wish.operatingSystem) option("os", wish.operatingSystem);
  if (wish.nics.length === 0) option("network", "none");
  else if (!isUsual(wish.nics)) for (const nic of wish.nics) option("nic", pairs({ ...nic, network: nic.network || "default" }).join(","));
  if (wish.firmware) option("firmware", wish.firmware);
  if (wish.source === "image") {
    if (wish.user) option("user", wish.user);
    if (wish.password) option("password-file", "-");
    for (const key of keysOf(wish)) option("ssh-key", key);
  }
  for (const tag of tagsOf(wish)) option("tag", tag);
  if (wish.project !== defaultProject) option("project", wish.project);
  return words.join(" ");
}

/** Pure: the places of a request that the form has a field for; what is wrong there is said beside it. */
export function fieldsOf(wish: Wish): string[] {
  return [
    "$.name", "$.cpus", "$.memoryMiB", "$.firmware", "$.tags", "$.isos[0]", "$.disks[0].image", "$.cloudInit.user", "$.cloudInit.password", "$.cloudInit.sshKeys",
    ...wish.disks.flatMap((_, index) => ["sizeBytes", "pool", "bus"].map((key) => `$.disks[${index}].${key}`)),
    ...wish.nics.flatMap((nic, index) => Object.keys(nic).map((key) => `$.nics[${index}].${key}`)),
  ];
}

/** One card about which nothing is said: what a VM gets anyway. */
const isUsual = (nics: NewNic[]) => nics.length === 1 && pairs({ ...nics[0] }).length === 0;
const keysOf = (wish: Wish) => wish.sshKey.split("\n").map((key) => key.trim()).filter(Boolean);
const tagsOf = (wish: Wish) => wish.tags.split(/[\s,]+/).filter(Boolean);
const pairs = (named: Record<string, string>) => Object.entries(named).map(([key, value]) => [key, value.trim()]).filter(([, value]) => value).map(([key, value]) => `${key}=${value}`);
const quote = (text: string) => (/^[\w./:=@,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
