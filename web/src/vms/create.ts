import type { VmCreate } from "../api/types";

/** What the form holds. */
export interface Wish {
  name: string;
  source: "image" | "iso" | "empty";
  image: string;
  iso: string;
  operatingSystem: string;
  cpus: number;
  memoryMiB: number;
  diskGiB: number;
  pool: string;
  network: string;
  firmware: "" | "bios" | "uefi";
  user: string;
  password: string;
  sshKey: string;
  tags: string;
  start: boolean;
}

const gib = 2 ** 30;

/** Pure: the request for a wish. */
export function requestOf(wish: Wish): VmCreate {
  const cloudInit = wish.source === "image" && (wish.user || wish.password || wish.sshKey)
    ? { user: wish.user || null, password: wish.password || null, sshKeys: wish.sshKey ? wish.sshKey.split("\n").map((key) => key.trim()).filter(Boolean) : null }
    : undefined;
  const request: VmCreate = {
    name: wish.name, cpus: wish.cpus, memoryMiB: wish.memoryMiB, start: wish.start,
    disks: [{ sizeBytes: wish.diskGiB * gib, ...(wish.source === "image" ? { image: wish.image } : {}), ...(wish.pool ? { pool: wish.pool } : {}) }],
  };
  if (wish.source === "iso") request.isos = [wish.iso];
  if (wish.operatingSystem) request.operatingSystem = wish.operatingSystem;
  if (wish.network) request.nics = [{ network: wish.network }];
  if (wish.firmware) request.firmware = wish.firmware;
  if (cloudInit) request.cloudInit = cloudInit;
  const tags = wish.tags.split(/[\s,]+/).filter(Boolean);
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
  option("disk", `${wish.diskGiB}GiB`);
  if (wish.pool) option("pool", wish.pool);
  if (wish.operatingSystem) option("os", wish.operatingSystem);
  if (wish.network) option("network", wish.network);
  if (wish.firmware) option("firmware", wish.firmware);
  if (wish.user) option("user", wish.user);
  for (const tag of wish.tags.split(/[\s,]+/).filter(Boolean)) option("tag", tag);
  return words.join(" ");
}

const quote = (text: string) => (/^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
