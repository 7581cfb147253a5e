import type { Snippet } from "svelte";

/** A column of a list. */
export interface Column<T> {
  id: string;
  title: string;
  /** What is sorted by, filtered by, and shown unless `cell` draws it. */
  value: (row: T) => string | number | null | undefined;
  cell?: Snippet<[T]>;
  /** In pixels; one column without takes what is left. */
  width?: number;
  right?: boolean;
  /** Not shown until chosen. */
  optional?: boolean;
}

/** Pure: rows that hold every word of the filter, in order. */
export function arrange<T>(rows: readonly T[], columns: readonly Column<T>[], filter: string, sort: string, descending: boolean): T[] {
  const words = filter.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length === 0 ? [...rows] : rows.filter((row) => {
    const text = columns.map((column) => column.value(row) ?? "").join(" ").toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
  const by = columns.find((column) => column.id === sort);
  if (!by) return found;
  const collator = new Intl.Collator(undefined, { numeric: true });
  const sign = descending ? -1 : 1;
  return found.sort((left, right) => {
    const [a, b] = [by.value(left), by.value(right)];
    if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b)));
  });
}
