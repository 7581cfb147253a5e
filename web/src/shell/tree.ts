import type { Disk, Host, Pool, Vm } from "../api/types";
import { groupBy } from "../ui/group";

export interface Branch {
  id: string;
  name: string;
  href: string;
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

/** Pure: what the tree shows. A VM with several tags or pools stands under each of them. */
export function branchesOf(by: "hosts" | "tags" | "pools", world: World): Branch[] {
  const vms = [...world.vms].sort(byName);
  if (by === "hosts") return hosts(world.hosts, vms);
  if (by === "pools") return pools(world, vms);
  const tagged = vms.flatMap((vm) => (vm.spec.tags?.length ? vm.spec.tags : [""]).map((tag) => ({ tag, vm })));
  return [...groupBy(tagged, ({ tag }) => tag)].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : collator.compare(a, b)))
    .map(([tag, found]) => ({ id: `tag:${tag}`, name: tag || "–", href: `/vms?filter=${encodeURIComponent(tag)}`, vms: found.map(({ vm }) => vm) }));
}

function hosts(all: Host[], vms: Vm[]): Branch[] {
  const groups = groupBy(vms, (vm) => vm.assignment?.host ?? "");
  const branches: Branch[] = [...all].sort(byName).map((host) => ({ id: host.id, name: host.name, href: `/hosts/${host.id}`, host, away: !host.liveSince, vms: groups.get(host.id) ?? [] }));
  const homeless = vms.filter((vm) => !all.some((host) => host.id === vm.assignment?.host));
  return homeless.length === 0 ? branches : [...branches, { id: "none", name: "–", href: "/vms", vms: homeless }];
}

function pools({ disks, pools: all }: World, vms: Vm[]): Branch[] {
  const poolOf = new Map(disks.map((disk) => [disk.id, disk.spec.pool]));
  const poolsOf = (vm: Vm) => new Set(vm.spec.disks?.map((disk) => poolOf.get(disk.disk)));
  return [...all].sort(byName).map((pool) => ({ id: pool.id, name: pool.name, href: `/pools/${pool.id}`, vms: vms.filter((vm) => poolsOf(vm).has(pool.id)) }));
}
