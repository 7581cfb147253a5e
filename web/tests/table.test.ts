import { describe, expect, it } from "vitest";
import { arrange, type Column } from "../src/ui/table";

interface Row {
  name: string;
  memory: number | null;
}

const columns: Column<Row>[] = [
  { id: "name", title: "Name", value: (row) => row.name },
  { id: "memory", title: "Memory", value: (row) => row.memory },
];
const rows: Row[] = [{ name: "web10", memory: 512 }, { name: "web2", memory: null }, { name: "db1", memory: 4096 }];
const names = (found: Row[]) => found.map((row) => row.name);

describe("arrange", () => {
  it("sorts numbers within words as people do", () => expect(names(arrange(rows, columns, "", "name", false))).toEqual(["db1", "web2", "web10"]));
  it("puts what is not known last, in both directions", () => {
    expect(names(arrange(rows, columns, "", "memory", false)).at(-1)).toBe("web2");
    expect(names(arrange(rows, columns, "", "memory", true)).at(-1)).toBe("web2");
  });
  it("keeps rows that hold every word, in any column", () => {
    expect(names(arrange(rows, columns, "WEB 512", "name", false))).toEqual(["web10"]);
    expect(arrange(rows, columns, "web 4096", "name", false)).toEqual([]);
  });
  it("leaves the rows that it was given as they are", () => {
    const given = [...rows];
    arrange(given, columns, "", "name", true);
    expect(given).toEqual(rows);
  });
});
