import { describe, expect, it } from "vitest";
import { queryOf, viewOf, withView } from "../src/ui/view";

const known = ["name", "state", "memory"];
const remembered = { sort: "name", descending: false, columns: ["name", "state"] };
const of = (query: string) => viewOf(new URLSearchParams(query), known, remembered);

describe("viewOf", () => {
  it("takes what the address leaves open from what is remembered", () => expect(of("")).toEqual({ filter: "", by: {}, sort: "name", descending: false, columns: ["name", "state"] }));
  it("leaves out columns that there are not", () => {
    expect(of("columns=gone,memory&sort=-gone&by.gone=x")).toEqual({ filter: "", by: {}, sort: "name", descending: false, columns: ["memory"] });
    expect(of("columns=gone").columns).toEqual(["name", "state"]);
  });
  it("says again what it was asked for", () => {
    const view = { filter: "a & b", by: { state: "!running", memory: ">4GiB" }, sort: "memory", descending: true, columns: ["name", "memory"] };
    expect(of(queryOf(view))).toEqual(view);
  });
});

describe("withView", () => {
  it("replaces the one of the same name, and orders by name", () => {
    expect(withView([{ name: "b", query: "1" }, { name: "a", query: "2" }], { name: "b", query: "3" })).toEqual([{ name: "a", query: "2" }, { name: "b", query: "3" }]);
  });
});
