import { describe, expect, it } from "vitest";
import { commandOf, fieldsOf, newDisk, newNic, queryOf, requestOf, type Wish } from "../src/vms/create";

const gib = 2 ** 30;
const wish: Wish = {
  name: "web1", project: "default", source: "image", image: "debian/12", iso: "", operatingSystem: "", cpus: 2, memoryMiB: 1024, disks: [newDisk(10)], nics: [newNic()], firmware: "", user: "", password: "", sshKey: "", tags: "", start: true,
};
const big: Wish = {
  ...wish, disks: [newDisk(10), { gib: 20, pool: "fast", bus: "" }, { gib: 30, pool: "", bus: "sata" }],
  nics: [newNic(), { network: "lab", address: " 10.10.0.5", mac: "52:54:00:12:34:56 " }],
};

describe("requestOf", () => {
  it("clones the image and says nothing that was not asked for", () => expect(requestOf(wish)).toEqual({ name: "web1", cpus: 2, memoryMiB: 1024, start: true, disks: [{ sizeBytes: 10 * gib, image: "debian/12" }] }));
  it("gives each line of the keys as one key", () => expect(requestOf({ ...wish, sshKey: "ssh-ed25519 a\n\n ssh-ed25519 b " }).cloudInit?.sshKeys).toEqual(["ssh-ed25519 a", "ssh-ed25519 b"]));
  it("gives no cloud-init to what is not an image", () => expect(requestOf({ ...wish, source: "iso", iso: "d.iso", user: "me" }).cloudInit).toBeUndefined());
  it("makes each disk where it was asked for, the first one from the image", () => expect(requestOf(big).disks).toEqual([
    { sizeBytes: 10 * gib, image: "debian/12" }, { sizeBytes: 20 * gib, pool: "fast" }, { sizeBytes: 30 * gib, bus: "sata" },
  ]));
  it("gives each card what was said about it", () => expect(requestOf(big).nics).toEqual([{}, { network: "lab", address: "10.10.0.5", mac: "52:54:00:12:34:56" }]));
  it("tells no card from no word about cards", () => expect(requestOf({ ...wish, nics: [] }).nics).toEqual([]));
  it("makes a VM without a disk", () => expect(requestOf({ ...wish, source: "iso", iso: "live", disks: [] }).disks).toEqual([]));
});

describe("commandOf", () => {
  it("is the same wish in words", () => expect(commandOf(wish)).toBe("lamina vm launch web1 --image debian/12 --cpus 2 --memory 1024MiB --disk 10GiB"));
  it("names each device", () => expect(commandOf(big)).toBe(
    "lamina vm launch web1 --image debian/12 --cpus 2 --memory 1024MiB --disk 10GiB --disk 20GiB,pool=fast --disk 30GiB,bus=sata --nic network=default --nic network=lab,address=10.10.0.5,mac=52:54:00:12:34:56",
  ));
  it("says so where there shall be none", () => expect(commandOf({ ...wish, source: "iso", iso: "live", start: false, disks: [], nics: [] })).toBe("lamina vm create web1 --iso live --cpus 2 --memory 1024MiB --disk none --network none"));
  it("quotes what a shell would take apart", () => expect(commandOf({ ...wish, name: "it's; rm" })).toContain(`'it'\\''s; rm'`));
  it("holds no password, but lets the command ask for it", () => {
    expect(commandOf({ ...wish, password: "secret-word" })).not.toContain("secret-word");
    expect(commandOf({ ...wish, password: "secret-word" })).toContain("--password-file -");
  });
  it("gives the keys, and nothing of cloud-init to what is not an image", () => {
    const keyed = { ...wish, user: "me", sshKey: "ssh-ed25519 a\nssh-ed25519 b" };
    expect(commandOf(keyed)).toContain("--user me --ssh-key 'ssh-ed25519 a' --ssh-key 'ssh-ed25519 b'");
    expect(commandOf({ ...keyed, source: "empty" })).not.toMatch(/--user|--ssh-key/);
  });
});

it("names the project that is not the default one", () => {
  expect(queryOf({ ...wish, project: "lab" })).toBe("?project=lab");
  expect(queryOf(wish)).toBe("");
  expect(commandOf({ ...wish, project: "lab" })).toMatch(/ --project lab$/);
});

describe("fieldsOf", () => {
  it("knows the fields of every device", () => expect(fieldsOf(big)).toEqual(expect.arrayContaining(["$.disks[2].pool", "$.disks[0].image", "$.nics[1].mac", "$.nics[0].network"])));
  it("knows none of a device that is not there", () => expect(fieldsOf(wish).some((path) => path.startsWith("$.disks[1]") || path.startsWith("$.nics[1]"))).toBe(false));
});
