import { describe, expect, it } from "vitest";
import type { ClusterStatus, PlacementRule, VmMobility } from "../src/api/types";
import { endsSoon, healthOf } from "../src/cluster/status";
import { imageRequest, type ImageWish } from "../src/images/request";
import { emptyRule as emptyFirewallRule, ruleOf as firewallRuleOf } from "../src/networks/firewall";
import { eachOf, going, whyNot } from "../src/placement/mobility";
import { emptyRule, isKept, ruleOf } from "../src/placement/rules";
import { archiveName } from "../src/settings/download";
import { changes } from "../src/ui/changes";
import { limitsOf, wishOf, wordsOf } from "../src/vms/limits";
import { nicUpdate, nicWish } from "../src/vms/nic";

describe("limits of a disk", () => {
  const none = wishOf(null);
  it("are none where nothing is said", () => expect(limitsOf(none)).toBeNull());
  it("name what is taken away beside what stays", () => expect(limitsOf({ ...none, iops: 500 })).toEqual({ iops: 500, iopsRead: null, iopsWrite: null, bytesPerSecond: null, bytesPerSecondRead: null, bytesPerSecondWrite: null }));
  it("come back as they went", () => {
    const limits = { iops: null, iopsRead: 100, iopsWrite: null, bytesPerSecond: 10 * 2 ** 20, bytesPerSecondRead: null, bytesPerSecondWrite: null };
    expect(limitsOf(wishOf(limits))).toEqual(limits);
  });
  it("stand in few words", () => {
    const bytes = (value: number) => `${value / 2 ** 20} MiB`;
    expect(wordsOf(null, bytes)).toBe("");
    expect(wordsOf({ iopsRead: 100, bytesPerSecond: 2 ** 20 }, bytes)).toBe("100 IOPS / ∞, 1 MiB/s");
  });
});

describe("nicUpdate", () => {
  const now = nicWish({ slot: 0, network: "n1", mac: "52:54:00:00:00:01", address: "10.0.0.5", firewallGroups: ["g1"] } as never);
  it("says nothing of what stays", () => expect(nicUpdate(now, now)).toEqual({}));
  it("asks for the next free address in another network", () => expect(nicUpdate(now, { ...now, network: "n2", address: "" })).toEqual({ network: "n2", address: null }));
  it("takes a limit away by 0, and groups by none", () => expect(nicUpdate({ ...now, inboundKbps: 5 }, { ...now, inboundKbps: null, firewallGroups: [] })).toEqual({ inboundKbps: 0, firewallGroups: [] }));
  it("keeps the order in which groups are tried", () => expect(nicUpdate(now, { ...now, firewallGroups: ["g2", "g1"] })).toEqual({ firewallGroups: ["g2", "g1"] }));
});

describe("a firewall rule", () => {
  it("has ports where its protocol has them", () => {
    expect(firewallRuleOf({ ...emptyFirewallRule, ports: "80, 8000-8100" })).toEqual({ direction: "in", action: "accept", protocol: "tcp", ports: ["80", "8000-8100"] });
    expect(firewallRuleOf({ ...emptyFirewallRule, protocol: "icmp", ports: "80" }).ports).toBeUndefined();
  });
  it("names exactly one kind of peer", () => expect(firewallRuleOf({ ...emptyFirewallRule, peer: "group", cidr: "10.0.0.0/8", group: "g1" }).peer).toEqual({ group: "g1" }));
});

describe("a placement rule", () => {
  it("names hosts only where its kind does", () => {
    expect(ruleOf({ ...emptyRule, name: "db", vms: ["a"], hosts: ["h"] })).toEqual({ name: "db", kind: "apart", preferred: false, vms: ["a"] });
    expect(ruleOf({ ...emptyRule, name: "db", kind: "onHosts", tags: "x, y", hosts: ["h"] })).toEqual({ name: "db", kind: "onHosts", preferred: false, tags: ["x", "y"], hosts: ["h"] });
  });
  const where: Record<string, string> = { a: "h1", b: "h1", c: "h2" };
  const kept = (kind: string, covers: string[], hosts: string[] = []) => isKept({ covers, spec: { kind, hosts } } as unknown as PlacementRule, (vm) => where[vm]);
  it("is kept or not by where its VMs are", () => {
    expect([kept("apart", ["a", "b"]), kept("apart", ["a", "c"]), kept("together", ["a", "b"]), kept("together", ["a", "c"])]).toEqual([false, true, true, false]);
    expect([kept("onHosts", ["a"], ["h1"]), kept("onHosts", ["a", "c"], ["h1"]), kept("notOnHosts", ["c"], ["h1"]), kept("notOnHosts", ["a"], ["h1"])]).toEqual([true, false, true, false]);
  });
  it("does not count a VM without a host", () => expect(kept("together", ["a", "nobody"])).toBe(true));
});

describe("mobility", () => {
  const row = (parts: Partial<VmMobility>) => ({ host: "h", hostName: "h", isHere: false, canGo: false, canGoWithStorage: false, live: false, ...parts }) as VmMobility;
  it("is one word", () => {
    expect([going(undefined), going(row({ isHere: true })), going(row({ canGo: true, live: true })), going(row({ canGo: true })), going(row({ canGoWithStorage: true })), going(row({}))]).toEqual(["no", "here", "live", "rest", "storage", "no"]);
  });
  it("says every reason, with its remedy", () => expect(whyNot(row({ reasons: [{ code: "a", message: "Full.", remedy: "Wait." }, { code: "b", message: "Off." }] as never }))).toBe("Full. Wait.\nOff."));
  it("asks for so many at once, and all in the end", async () => {
    let [now, most] = [0, 0];
    const done: number[] = [];
    await eachOf([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      done.push(item);
    }, new AbortController().signal);
    expect([most, done.sort()]).toEqual([2, [1, 2, 3, 4, 5]]);
  });
  it("asks no more once it was ended", async () => {
    const end = new AbortController();
    const done: number[] = [];
    await eachOf([1, 2, 3], 1, async (item) => { done.push(item); end.abort(); }, end.signal);
    expect(done).toEqual([1]);
  });
});

describe("the cluster's health", () => {
  const of = (live: (boolean | null)[], votersThatMayFail: number) => healthOf({ votersThatMayFail, members: live.map((one) => ({ role: "voter", live: one })) } as unknown as ClusterStatus).word;
  it("is lost without a majority, degraded without a voter, thin when none may fail", () => {
    expect([of([true, true, true], 1), of([true, true, false], 0), of([true, false, false], 0), of([true], 0), of([null, true, true], 1), of([true, false], 0)]).toEqual(["well", "degraded", "lost", "thin", "well", "lost"]);
  });
  it("looks at a certificate a month before its end", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect([endsSoon("2026-01-20T00:00:00Z", now), endsSoon("2026-06-01T00:00:00Z", now), endsSoon(null, now)]).toEqual([true, false, false]);
  });
});

describe("imageRequest", () => {
  const wish: ImageWish = { from: "catalogue", catalogue: "debian/12", recipe: "debian/12", url: "https://x", checksumsUrl: "", sha256: "", name: "", pool: "" };
  it("bears the name of what it is got by", () => expect(imageRequest(wish)).toEqual({ name: "debian/12", catalogue: "debian/12" }));
  it("says only what belongs to its kind", () => {
    expect(imageRequest({ ...wish, from: "recipe", name: "mine", pool: "fast" })).toEqual({ name: "mine", recipe: "debian/12", pool: "fast" });
    expect(imageRequest({ ...wish, from: "url", name: "mine", sha256: "ab" })).toEqual({ name: "mine", url: "https://x", sha256: "ab" });
  });
});

describe("changes", () => {
  it("are only what differs, and an empty text takes a member back to its default", () => expect(changes({ a: 1, b: "x", c: null }, { a: 1, b: "", c: 2 } as never)).toEqual({ b: null, c: 2 }));
});

it("names an archive by its time", () => expect(archiveName("lamina-backup", new Date("2026-02-03T04:05:06Z"))).toBe("lamina-backup-20260203-040506.tar.gz"));
