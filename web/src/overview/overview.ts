import type { Host, Operation, Pool, Vm } from "../api/types";
import { t } from "../i18n/index.svelte";
import { needsAttention } from "../vms/state";

export interface Concern {
  id: string;
  tone: "bad" | "warn";
  name: string;
  href: string;
  text: string;
  remedy?: string | null;
}

interface World {
  hosts: Host[];
  vms: Vm[];
  pools: Pool[];
  operations: Operation[];
}

const recent = 3_600_000;

/** What a person should look at first, the worst on top. */
export function concerns({ hosts, vms, pools, operations }: World, now = Date.now()): Concern[] {
  const found: Concern[] = [];
  for (const host of hosts) {
    if (!host.liveSince) found.push({ id: host.id, tone: "bad", name: host.name, href: `/hosts/${host.id}`, text: t("host.away") });
    else if (host.status?.failure) found.push({ id: host.id, tone: "bad", name: host.name, href: `/hosts/${host.id}`, text: host.status.failure.message, remedy: host.status.failure.remedy });
    else if (host.spec.maintenance) found.push({ id: host.id, tone: "warn", name: host.name, href: `/hosts/${host.id}`, text: t("host.inMaintenance") });
  }
  for (const vm of vms) if (needsAttention(vm)) found.push({ id: vm.id, tone: "bad", name: vm.name, href: `/vms/${vm.id}`, text: vm.status?.failure?.message ?? t("vm.unresponsive"), remedy: vm.status?.failure?.remedy });
  for (const pool of pools) {
    const { totalBytes = 0, freeBytes = 0, failure } = pool.status ?? {};
    if (failure) found.push({ id: pool.id, tone: "bad", name: pool.name, href: `/pools/${pool.id}`, text: failure.message, remedy: failure.remedy });
    else if (totalBytes > 0 && freeBytes / totalBytes < 0.1) found.push({ id: pool.id, tone: "warn", name: pool.name, href: `/pools/${pool.id}`, text: t("pool.nearlyFull") });
  }
  for (const operation of operations) {
    if (operation.state?.phase !== "failed" || now - Date.parse(operation.state.endedAt ?? "") > recent) continue;
    found.push({ id: operation.id, tone: "warn", name: operation.request.target.name ?? operation.request.target.id, href: "/events", text: operation.state.failure?.message ?? operation.request.kind, remedy: operation.state.failure?.remedy });
  }
  return found.sort((left, right) => Number(left.tone === "warn") - Number(right.tone === "warn"));
}

/** Pure: how much of everything is used. A host that is alone tells no load. */
export function usage(hosts: readonly Host[], vms: readonly Vm[], pools: readonly Pool[]) {
  const sum = <T>(items: readonly T[], of: (item: T) => number | null | undefined) => items.reduce((total, item) => total + (of(item) ?? 0), 0);
  const cores = sum(hosts, (host) => host.status?.cores);
  const memoryAll = sum(hosts, (host) => (host.status?.memoryMiB ?? 0) * 2 ** 20);
  const memoryUsed = sum(hosts, (host) => host.load?.memoryUsedBytes);
  const running = vms.filter((vm) => ["running", "paused", "starting"].includes(vm.status?.state ?? ""));
  return {
    cores, memoryAll, memoryUsed,
    cpu: cores ? sum(hosts, (host) => ((host.load?.cpuPercent ?? 0) / 100) * (host.status?.cores ?? 0)) / cores : 0,
    memory: memoryAll ? memoryUsed / memoryAll : 0,
    promised: sum(running, (vm) => vm.spec.memoryMiB * 2 ** 20),
    storageAll: sum(pools, (pool) => pool.status?.totalBytes),
    storageUsed: sum(pools, (pool) => (pool.status?.totalBytes ?? 0) - (pool.status?.freeBytes ?? 0)),
  };
}
