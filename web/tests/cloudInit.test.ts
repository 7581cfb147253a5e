import { describe, expect, it } from "vitest";
import type { Vm } from "../src/api/types";
import { cloudInitChange, cloudInitWish, isUntold } from "../src/vms/cloudInit";

const vm = (changedAt: string | null, startedAt: string | null, state: string) => ({ name: "web1", spec: { cloudInit: { hostname: "web", changedAt } }, status: { state, startedAt } }) as unknown as Vm;
const now = cloudInitWish(vm(null, null, "stopped"));

describe("cloudInitChange", () => {
  it("leaves what was not touched", () => expect(cloudInitChange(now, now)).toEqual({}));
  it("takes a document away for fields", () => expect(cloudInitChange(now, { ...now, password: "p", sshKeys: "a\n\n b " })).toEqual({ password: "p", sshKeys: ["a", "b"], userData: null }));
  it("keeps a document where only the host name changes", () => expect(cloudInitChange(now, { ...now, hostname: "other" })).toEqual({ hostname: "other" }));
  it("takes password and keys away when asked to", () => expect(cloudInitChange(now, { ...now, password: "typed", noPassword: true, noKeys: true })).toEqual({ password: null, sshKeys: null }));
  it("sends a document alone", () => expect(cloudInitChange(now, { ...now, by: "document", user: "me", userData: "#!/bin/sh" })).toEqual({ userData: "#!/bin/sh" }));
  it("goes back to the VM's name without a host name", () => expect(cloudInitChange(now, { ...now, hostname: "" })).toEqual({ hostname: null }));
});

describe("isUntold", () => {
  it.each([
    [null, "2026-01-01T00:00:00Z", "running", false],
    ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "running", true],
    ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "running", false],
    ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "stopped", false],
  ])("changed %s, started %s, %s: %s", (changed, started, state, expected) => expect(isUntold(vm(changed, started, state))).toBe(expected));
});
