import { describe, expect, it } from "vitest";
import { ApiError, isOf } from "../src/api/http";

const refusal = new ApiError({
  code: "input.invalid", title: "The input has problems.", status: 400,
  problems: [{ path: "$.ports[1]", code: "a", message: "one" }, { path: "$.ports[2]", code: "b", message: "two" }, { path: "$.portsOfAll", code: "c", message: "three" }, { path: "$.disks[0].image", code: "d", message: "four" }],
} as never);

describe("the words beside a field", () => {
  it("are those of every element of its list", () => expect(refusal.at("$.ports")).toBe("one two"));
  it("are those of one element", () => expect(refusal.at("$.ports[2]")).toBe("two"));
  it("are none of another field whose name begins alike", () => expect(isOf("$.portsOfAll", "$.ports")).toBe(false));
  it("are none of a field within an element", () => expect(refusal.at("$.disks")).toBeUndefined());
  it("are none where nothing was refused", () => expect(refusal.at("$.name")).toBeUndefined());
});
