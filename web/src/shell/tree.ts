import type { Disk, Host, Pool, Vm } from "../api/types";
import { groupBy } from "../ui/group";

export interface Branch {
  id: string;
  name: string;
  href: string;
  /** Where all of its VMs are listed. */
  list?: string;
  /** VMs can be dropped on it. */
  host?: Host;
  /** It does not answer. */
  away?: boolean;
  vms: Vm[];
}

interface World {
  vms: Vm[];
  hosts: Host[];
  pools: Pool[];
  disks: Disk[];
}

const collator = new Intl.Collator(undefined, { numeric: true });
const byName = (left: { name: string }, right: { name: string }) => collator.compare(left.name, right.name);

/** So many VMs in all are shown without being asked for. */
const mostUnfolded = 200;
/** So many of one branch are drawn; the rest is in the list. */
const mostDrawn = 200;

/** Pure: whether a branch is open: as a person left it, else as long as the tree stays readable. */
export const isOpen = (left: boolean | undefined, allVms: number): boolean => left ?? allVms <= mostUnfolded;

/** Pure: the VMs of a branch that are drawn, and how many more there are. */
export const drawn = (vms: readonly Vm[]): { vms: readonly Vm[]; more: number } => ({ vms: vms.length > mostDrawn ? vms.slice(0, mostDrawn) : vms, more: Math.max(0, vms.length - mostDrawn) });

/** Pure: what the tree shows; VMs come in the order of their names. A VM with several tags or pools stands under each of them. */
export function branchesOf(by: "hosts" | "tags" | "pools", world: World): Branch[] {
  const vms = world.vms;
  if (by === "hosts") return hosts(world.hosts, vms);
  if (by === "pools") return pools(world, vms);
  const tagged = vms.flatMap((vm) => (vm.spec.tags?.length ? vm.spec.tags : [""]).map((tag) => ({ tag, vm })));
  return [...groupBy(tagged, ({ tag }) => tag)].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : collator.compare(a, b)))
    .map(([tag, found]) => ({ id: `tag:${tag}`, name: tag || "–", href: `/vms?filter=${encodeURIComponent(tag)}`, vms: found.map(({ vm }) => vm) }));
}

function hosts(all: Host[], vms: Vm[]): Branch[] {
  const groups = groupBy(vms, (vm) => vm.assignment?.host ?? "");
  const branches: Branch[] = [...all].sort(byName).map((host) => ({ id: host.id, name: host.name, href: `/hosts/${host.id}`, list: `/hosts/${host.id}/vms`, host, away: !host.liveSince, vms: groups.get(host.id) ?? [] }));
  const known = new Set(all.map((host) => host.id));
  const homeless = vms.filter((vm) => !known.has(vm.assignment?.host ?? ""));
  return homeless.length === 0 ? branches : [...branches, { id: "none", name: "–", href: "/vms", vms: homeless }];
}

function pools({ disks, pools: all }: World, vms: Vm[]): Branch[] {
  const poolOf = new Map(disks.map((disk) => [disk.id, disk.spec.pool]));
  const groups = new Map<string, Vm[]>(all.map((pool) => [pool.id, []]));
  for (const vm of vms) for (const pool of new Set(vm.spec.disks?.map((disk) => poolOf.get(disk.disk) ?? ""))) groups.get(pool)?.push(vm);
  return [...all].sort(byName).map((pool) => ({ id: pool.id, name: pool.name, href: `/pools/${pool.id}`, vms: groups.get(pool.id)! }));
}
