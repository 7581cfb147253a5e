import type { VmCreate, VmForecast } from "../api/types";

/** Pure: the question for a form that is still being filled in. It needs no name yet, and no password at all. */
export function askOf(create: VmCreate): VmCreate {
  return { ...create, name: create.name || "new", ...(create.cloudInit ? { cloudInit: { ...create.cloudInit, password: null } } : {}) };
}

/** Pure: what the VM takes: of its host's memory while it runs (null: it lands on none), of its pools at the most; and the pools in which that much is not free now. */
export function costOf(forecast: VmForecast) {
  const host = forecast.hosts.find((one) => one.host === forecast.host);
  const pools = new Map<string, { name: string; sizeBytes: number; freeBytes: number | null }>();
  for (const disk of forecast.disks) {
    const pool = pools.get(disk.pool) ?? { name: disk.poolName, sizeBytes: 0, freeBytes: disk.poolFreeBytes ?? null };
    pool.sizeBytes += disk.sizeBytes;
    pools.set(disk.pool, pool);
  }
  return {
    hostMiB: host?.neededMiB ?? null,
    freeMiB: host?.freeMiB ?? null,
    lacksMemory: host != null && (host.neededMiB ?? 0) > (host.freeMiB ?? 0),
    pools: [...pools.values()].map((pool) => ({ ...pool, lacksRoom: pool.freeBytes != null && pool.sizeBytes > pool.freeBytes })),
  };
}
