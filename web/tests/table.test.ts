import { describe, expect, it } from "vitest";
import { amount, Arrangement, tester, type Column, type Order } from "../src/ui/table";

interface Row {
  name: string;
  memory: number | null;
}

const columns: Column<Row>[] = [
  { id: "name", title: "Name", value: (row) => row.name },
  { id: "memory", title: "Memory", value: (row) => row.memory, unitBytes: 2 ** 20 },
];
const order: Order = { filter: "", by: {}, sort: "name", descending: false };
const rows: Row[] = [{ name: "web10", memory: 512 }, { name: "web2", memory: null }, { name: "db1", memory: 4096 }];
const arranged = (found: readonly Row[], wish: Partial<Order> = {}) => new Arrangement<Row>((row) => row.name).update(found, columns, { ...order, ...wish });
const names = (found: Row[]) => found.map((row) => row.name);

describe("Arrangement", () => {
  it("sorts numbers within words as people do", () => expect(names(arranged(rows))).toEqual(["db1", "web2", "web10"]));
  it("puts what is not known last, in both directions", () => {
    expect(names(arranged(rows, { sort: "memory" })).at(-1)).toBe("web2");
    expect(names(arranged(rows, { sort: "memory", descending: true })).at(-1)).toBe("web2");
  });
  it("keeps rows that hold every word, in any column", () => {
    expect(names(arranged(rows, { filter: "WEB 512" }))).toEqual(["web10"]);
    expect(arranged(rows, { filter: "web 4096" })).toEqual([]);
  });
  it("keeps rows that each filtered column lets pass", () => {
    expect(names(arranged(rows, { by: { name: "web", memory: ">=512MiB" } }))).toEqual(["web10"]);
    expect(names(arranged(rows, { by: { memory: "-" } }))).toEqual(["web2"]);
  });
  it("leaves the rows that it was given as they are", () => {
    const given = [...rows];
    arranged(given, { descending: true });
    expect(given).toEqual(rows);
  });

  it("is, after any changes, as if arranged anew", () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (const wish of [{}, { sort: "memory", descending: true }, { filter: "a", sort: "memory" }, { by: { memory: "2..7" } }] as Partial<Order>[]) {
      const arrangement = new Arrangement<Row>((row) => row.name);
      const world = new Map<string, Row>();
      for (let step = 0; step < 100; step++) {
        for (let change = random(4); change >= 0; change--) {
          const name = `${"abc"[random(3)]}${random(20)}`;
          if (random(4) === 0) world.delete(name);
          else world.set(name, { name, memory: random(5) === 0 ? null : random(10) });
        }
        const text = (found: Row[]) => found.map((row) => `${row.name} ${row.memory}`).join();
        expect(text(arrangement.update([...world.values()], columns, { ...order, ...wish }))).toBe(text(arranged([...world.values()], wish)));
      }
    }
  });

  it("looks only at rows that were replaced", () => {
    let asked = 0;
    const counted: Column<Row>[] = [{ id: "name", title: "Name", value: (row) => (asked++, row.name) }];
    const arrangement = new Arrangement<Row>((row) => row.name);
    arrangement.update(rows, counted, order);
    asked = 0;
    arrangement.update([{ ...rows[0] }, rows[1], rows[2]], counted, order);
    expect(asked).toBe(1);
  });
});

describe("tester", () => {
  it.each([
    ["web", "My-Web", true], ["!web", "My-Web", false], ["=web", "my-web", false], ["=my-web", "My-Web", true], ["-", null, true], ["-", "x", false],
    [">2", 3, true], [">2", 2, false], ["<=2", 2, true], ["2..4", 4, true], ["2..4", 5, false], ["=2", 2, true], [">2", "3", false], [">x", "a >x b", true], ["!", "x", true], [">", 1, true], ["12", 4128, true],
  ] as const)("%s of %s: %s", (wish, value, passes) => expect(tester(wish)(value)).toBe(passes));
  it("knows sizes where a column has them", () => {
    expect(tester(">1GiB", 2 ** 20)(2048)).toBe(true);
    expect(tester("<1g", 2 ** 20)(2048)).toBe(false);
  });
});

describe("amount", () => {
  it.each([["4", 4], ["1.5KiB", 1536], [" 2 m ", 2 ** 21], ["", null], ["x", null], ["1 2", null]] as const)("of '%s' is %s", (text, found) => expect(amount(text)).toBe(found));
});
