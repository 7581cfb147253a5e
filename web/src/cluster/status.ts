import type { ClusterStatus } from "../api/types";

export type Health = { word: "well" | "thin" | "degraded" | "lost"; tone: "good" | "warn" | "bad" };

const soonMs = 30 * 24 * 3_600_000;

/** Pure: how the cluster's store stands. Voters of which nothing is known count as there. */
export function healthOf(status: ClusterStatus): Health {
  const voters = (status.members ?? []).filter((member) => member.role === "voter");
  const missing = voters.filter((member) => member.live === false).length;
  if (voters.length > 0 && missing > (voters.length - 1) / 2) return { word: "lost", tone: "bad" };
  if (missing > 0) return { word: "degraded", tone: "bad" };
  return (status.votersThatMayFail ?? 0) > 0 ? { word: "well", tone: "good" } : { word: "thin", tone: "warn" };
}

/** Pure: a certificate that a person should look at. */
export const endsSoon = (end: string | null | undefined, now = Date.now()): boolean => end != null && Date.parse(end) - now < soonMs;
