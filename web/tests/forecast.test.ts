import { describe, expect, it } from "vitest";
import type { VmForecast } from "../src/api/types";
import { askOf, costOf } from "../src/vms/forecast";

const forecast = {
  name: "web1", cpus: 1, memoryMiB: 1024, firmware: "bios", cpuModel: "Westmere-v1", host: "h1", hostName: "one",
  disks: [
    { name: "web1-disk0", sizeBytes: 10, pool: "p1", poolName: "default", poolFreeBytes: 25 },
    { name: "web1-disk1", sizeBytes: 20, pool: "p1", poolName: "default", poolFreeBytes: 25 },
    { name: "web1-disk2", sizeBytes: 5, pool: "p2", poolName: "fast" },
  ],
  hosts: [{ host: "h1", hostName: "one", fits: true, neededMiB: 1232, freeMiB: 2000 }, { host: "h2", hostName: "two", fits: false, neededMiB: 1104, freeMiB: 100 }],
} as VmForecast;

describe("askOf", () => {
  it("asks before there is a name", () => expect(askOf({ name: "" }).name).toBe("new"));
  it("sends no password", () => expect(JSON.stringify(askOf({ name: "a", cloudInit: { user: "me", password: "secret-word" } }))).not.toContain("secret-word"));
  it("leaves the rest as it is", () => expect(askOf({ name: "a", cpus: 3 })).toEqual({ name: "a", cpus: 3 }));
});

describe("costOf", () => {
  it("counts what the host gives, beyond the guest's own", () => expect(costOf(forecast)).toMatchObject({ hostMiB: 1232, freeMiB: 2000, lacksMemory: false }));
  it("adds up disks by their pools, and sees where room lacks", () => expect(costOf(forecast).pools).toEqual([
    { name: "default", sizeBytes: 30, freeBytes: 25, lacksRoom: true },
    { name: "fast", sizeBytes: 5, freeBytes: null, lacksRoom: false },
  ]));
  it("knows of no memory where it lands on no host", () => expect(costOf({ ...forecast, host: null })).toMatchObject({ hostMiB: null, lacksMemory: false }));
  it("sees a host without memory now", () => expect(costOf({ ...forecast, host: "h2" }).lacksMemory).toBe(true));
});
