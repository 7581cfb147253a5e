import { describe, expect, it } from "vitest";
import { inTable, leftOver, queryOf, viewOf, withView } from "../src/ui/view";

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
  const view = (table: string, name: string, query: string) => ({ table, name, query });
  it("replaces the one of the same name in the same table", () => {
    const views = withView([view("vms", "b", "1"), view("hosts", "b", "2"), view("vms", "a", "3")], view("vms", "b", "4"));
    expect(inTable(views, "vms")).toEqual([view("vms", "a", "3"), view("vms", "b", "4")]);
    expect(inTable(views, "hosts")).toEqual([view("hosts", "b", "2")]);
  });
  it("takes over what a browser kept, but for names that are taken", () => {
    expect(leftOver([view("vms", "a", "1"), view("hosts", "b", "2")], "vms", [{ name: "a", query: "old" }, { name: "b", query: "mine" }])).toEqual([view("vms", "b", "mine")]);
  });
});
