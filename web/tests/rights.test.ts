import { describe, expect, it } from "vitest";
import { allows, workshops } from "../src/session/rights";

const bound = (...pairs: [role: "viewer" | "operator" | "admin", scope: string][]) => pairs.map(([role, scope]) => ({ subject: "user:kim", role, scope }));

describe("allows", () => {
  it.each(["operate", "administer"] as const)("lets a viewer not %s", (permission) => {
    expect(allows(bound(["viewer", "*"]), permission, null)).toBe(false);
    expect(allows(bound(["viewer", "*"]), permission, "lab")).toBe(false);
  });
  it("lets who has no role do nothing", () => expect(allows([], "operate", "lab")).toBe(false));
  it("lets an operator operate where he is one", () => {
    expect(allows(bound(["operator", "lab"]), "operate", "lab")).toBe(true);
    expect(allows(bound(["operator", "lab"]), "operate", "default")).toBe(false);
    expect(allows(bound(["operator", "lab"]), "operate", null)).toBe(false);
    expect(allows(bound(["operator", "*"]), "operate", "lab")).toBe(true);
  });
  it("lets an operator not administer, and an administrator of one project only that one", () => {
    expect(allows(bound(["operator", "*"]), "administer", null)).toBe(false);
    expect(allows(bound(["admin", "lab"]), "administer", "lab")).toBe(true);
    expect(allows(bound(["admin", "lab"]), "administer", null)).toBe(false);
  });
  it("adds up what several roles allow", () => expect(allows(bound(["viewer", "*"], ["operator", "lab"]), "operate", "lab")).toBe(true));
});

describe("workshops", () => {
  it("are none for a viewer", () => expect(workshops(bound(["viewer", "*"]), ["lab"])).toEqual([]));
  it("are all projects for who may everywhere, the default one first", () => expect(workshops(bound(["operator", "*"]), ["lab", "default", "art"])).toEqual(["default", "art", "lab"]));
  it("are those of the bindings for who may only there", () => expect(workshops(bound(["viewer", "*"], ["operator", "lab"]), [])).toEqual(["lab"]));
});
