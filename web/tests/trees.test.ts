import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../src/api/types";
import { branchesOf, drawn, isOpen } from "../src/shell/tree";
import { snapshotTree } from "../src/vms/snapshots";

const vm = (name: string, host: string | null, tags: string[] = []) => ({ id: name, name, spec: { tags, disks: [] }, assignment: host ? { host } : null }) as unknown as Vm;
const host = (name: string, live = true) => ({ id: name, name, spec: {}, liveSince: live ? "2026-01-01T00:00:00Z" : null }) as unknown as Host;
const world = { vms: [vm("a", "h1", ["web", "db"]), vm("b", "h1", ["web"]), vm("c", null)], hosts: [host("h2", false), host("h1")], pools: [], disks: [] };

describe("branchesOf", () => {
  it("puts VMs under their hosts, and those without one apart", () => {
    expect(branchesOf("hosts", world).map((branch) => [branch.name, branch.vms.map((one) => one.name)])).toEqual([["h1", ["a", "b"]], ["h2", []], ["–", ["c"]]]);
  });
  it("marks a host that does not answer", () => expect(branchesOf("hosts", world).find((branch) => branch.name === "h2")?.away).toBe(true));
  it("shows a VM under each of its tags", () => {
    expect(branchesOf("tags", world).map((branch) => [branch.name, branch.vms.length])).toEqual([["db", 1], ["web", 2], ["–", 1]]);
  });
});

describe("a tree of thousands", () => {
  it("is folded until a person unfolds a branch", () => expect([isOpen(undefined, 200), isOpen(undefined, 201), isOpen(true, 5000), isOpen(false, 1)]).toEqual([true, false, true, false]));
  it("draws no more of a branch than can be read", () => {
    const many = Array.from({ length: 201 }, (_, index) => vm(`v${index}`, "h1"));
    expect([drawn(many).vms.length, drawn(many).more, drawn(many.slice(1)).more]).toEqual([200, 1, 0]);
  });
  it("puts a VM under each pool that it has a disk in, once", () => {
    const pools = ["p1", "p2"].map((id) => ({ id, name: id })) as never[];
    const disks = [{ id: "d1", spec: { pool: "p1" } }, { id: "d2", spec: { pool: "p1" } }, { id: "d3", spec: { pool: "p2" } }] as never[];
    const one = { ...vm("a", "h1"), spec: { disks: [{ disk: "d1" }, { disk: "d2" }, { disk: "d3" }] } } as never;
    expect(branchesOf("pools", { vms: [one], hosts: [], pools, disks }).map((branch) => branch.vms.length)).toEqual([1, 1]);
  });
});

describe("snapshotTree", () => {
  const snapshot = (id: string, parent: string | null, takenAt: string) => ({ id, name: id, spec: {}, status: { parent, takenAt } }) as unknown as Snapshot;
  it("hangs each under the one before it, in the order of time", () => {
    const [root] = snapshotTree([snapshot("c", "a", "3"), snapshot("b", "a", "2"), snapshot("a", null, "1")]);
    expect([root.snapshot.id, root.children.map((child) => child.snapshot.id)]).toEqual(["a", ["b", "c"]]);
  });
  it("makes a root of one whose parent is gone", () => expect(snapshotTree([snapshot("b", "gone", "2")])).toHaveLength(1));
});
