import type { VmMobility } from "../api/types";

export type Going = "here" | "live" | "rest" | "storage" | "no";

/** Pure: how a VM can go to a host, in one word. */
export function going(row: VmMobility | undefined): Going {
  if (!row) return "no";
  if (row.isHere) return "here";
  if (row.canGo) return row.live ? "live" : "rest";
  return row.canGoWithStorage ? "storage" : "no";
}

/** Pure: the reasons of one cell, in words. */
export const whyNot = (row: VmMobility | undefined): string => (row?.reasons ?? []).map((reason) => [reason.message, reason.remedy].filter(Boolean).join(" ")).join("\n");

/** Pure: runs work for each item, so many at once, in their order. */
export async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>, signal: AbortSignal) {
  let next = 0;
  const run = async () => {
    while (next < items.length && !signal.aborted) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
}
