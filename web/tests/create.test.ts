import { describe, expect, it } from "vitest";
import { commandOf, requestOf, type Wish } from "../src/vms/create";

const wish: Wish = {
  name: "web1", source: "image", image: "debian/12", iso: "", operatingSystem: "", cpus: 2, memoryMiB: 1024, diskGiB: 10, pool: "", network: "", firmware: "", user: "", password: "", sshKey: "", tags: "", start: true,
};

describe("requestOf", () => {
  it("clones the image and says nothing that was not asked for", () => expect(requestOf(wish)).toEqual({ name: "web1", cpus: 2, memoryMiB: 1024, start: true, disks: [{ sizeBytes: 10 * 2 ** 30, image: "debian/12" }] }));
  it("gives each line of the keys as one key", () => expect(requestOf({ ...wish, sshKey: "ssh-ed25519 a\n\n ssh-ed25519 b " }).cloudInit?.sshKeys).toEqual(["ssh-ed25519 a", "ssh-ed25519 b"]));
  it("gives no cloud-init to what is not an image", () => expect(requestOf({ ...wish, source: "iso", iso: "d.iso", user: "me" }).cloudInit).toBeUndefined());
});

describe("commandOf", () => {
  it("is the same wish in words", () => expect(commandOf(wish)).toBe("lamina vm launch web1 --image debian/12 --cpus 2 --memory 1024MiB --disk 10GiB"));
  it("quotes what a shell would take apart", () => expect(commandOf({ ...wish, name: "it's; rm" })).toContain(`'it'\\''s; rm'`));
  it("holds no password", () => expect(commandOf({ ...wish, password: "secret-word" })).not.toContain("secret-word"));
});
