import type { Snapshot } from "../api/types";

export interface SnapshotNode {
  snapshot: Snapshot;
  children: SnapshotNode[];
}

/** Pure: each under the one that it was taken after; one whose parent is gone is a root. */
export function snapshotTree(snapshots: readonly Snapshot[]): SnapshotNode[] {
  const nodes = new Map(snapshots.map((snapshot) => [snapshot.id, { snapshot, children: [] as SnapshotNode[] }]));
  const roots: SnapshotNode[] = [];
  const time = (node: SnapshotNode) => node.snapshot.status?.takenAt ?? node.snapshot.spec.createdAt ?? "";
  for (const node of [...nodes.values()].sort((left, right) => time(left).localeCompare(time(right)))) {
    const parent = nodes.get(node.snapshot.status?.parent ?? "");
    (parent && parent !== node ? parent.children : roots).push(node);
  }
  return roots;
}
