import type { DiskLimits } from "../api/types";

/** What a form holds of the limits of a disk; empty: none. Mebibytes, since nobody counts bytes a second. */
export interface LimitWish {
  iops: number | null;
  iopsRead: number | null;
  iopsWrite: number | null;
  mibPerSecond: number | null;
  mibPerSecondRead: number | null;
  mibPerSecondWrite: number | null;
}

const mib = 2 ** 20;

/** Pure. */
export function wishOf(limits: DiskLimits | null | undefined): LimitWish {
  const rate = (bytes: number | null | undefined) => (bytes == null ? null : bytes / mib);
  return {
    iops: limits?.iops ?? null, iopsRead: limits?.iopsRead ?? null, iopsWrite: limits?.iopsWrite ?? null,
    mibPerSecond: rate(limits?.bytesPerSecond), mibPerSecondRead: rate(limits?.bytesPerSecondRead), mibPerSecondWrite: rate(limits?.bytesPerSecondWrite),
  };
}

/** Pure: what to ask for, each member named, so that a merge patch takes away what is empty; null: no limit at all. */
export function limitsOf(wish: LimitWish): DiskLimits | null {
  const count = (value: number | null) => value || null;
  const rate = (value: number | null) => (value ? Math.round(value * mib) : null);
  const limits = {
    iops: count(wish.iops), iopsRead: count(wish.iopsRead), iopsWrite: count(wish.iopsWrite),
    bytesPerSecond: rate(wish.mibPerSecond), bytesPerSecondRead: rate(wish.mibPerSecondRead), bytesPerSecondWrite: rate(wish.mibPerSecondWrite),
  };
  return Object.values(limits).every((value) => value === null) ? null : limits;
}

/** Pure: in few words, for a table; empty: none. */
export function wordsOf(limits: DiskLimits | null | undefined, bytes: (value: number) => string): string {
  if (!limits) return "";
  const of = (all: number | null | undefined, read: number | null | undefined, write: number | null | undefined, text: (value: number) => string) =>
    all ? text(all) : read || write ? `${read ? text(read) : "∞"} / ${write ? text(write) : "∞"}` : "";
  return [
    of(limits.iops, limits.iopsRead, limits.iopsWrite, (value) => `${value} IOPS`),
    of(limits.bytesPerSecond, limits.bytesPerSecondRead, limits.bytesPerSecondWrite, (value) => `${bytes(value)}/s`),
  ].filter(Boolean).join(", ");
}
