import type { Snippet } from "svelte";

export type Value = string | number | null | undefined;

/** A column of a list. */
export interface Column<T> {
  id: string;
  title: string;
  /** What is sorted by, filtered by, and shown unless `cell` draws it. */
  value: (row: T) => Value;
  cell?: Snippet<[T]>;
  /** In pixels; one column without takes what is left. */
  width?: number;
  right?: boolean;
  /** Not shown until chosen. */
  optional?: boolean;
  /** How many bytes one of its numbers stands for, so that a filter may say `>4GiB`. */
  unitBytes?: number;
}

/** What of a list is shown, and in which order. */
export interface Order {
  /** Words that are all in some column. */
  filter: string;
  /** For single columns, by their ids; see `tester`. */
  by: Readonly<Record<string, string>>;
  sort: string;
  descending: boolean;
}

const units: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Pure: `4`, `1.5GiB`; null: it is no amount. */
export function amount(text: string, unitBytes = 1): number | null {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|(b))?\s*$/i.exec(text);
  if (!found) return null;
  const unit = (found[2] ?? found[3] ?? "").toLowerCase();
  return unit ? (Number(found[1]) * units[unit]) / unitBytes : Number(found[1]);
}

/**
 * Pure: what a column's filter says of a value. `text` is in it, `!text` is not, `=text` is all of it, `-` is nothing; of numbers also `>2`, `>=2`, `<2`, `<=2`,
 * `2..4`, and of sizes `>4GiB`.
 */
export function tester(wish: string, unitBytes?: number): (value: Value) => boolean {
  const text = wish.trim().toLocaleLowerCase();
  // Still being typed.
  if (/^(>=?|<=?|!|=)?$/.test(text)) return () => true;
  const compared = /^(>=|<=|>|<)(.+)$/.exec(text);
  const range = /^(.+?)\.\.(.+)$/.exec(text);
  if (compared) {
    const bound = amount(compared[2], unitBytes);
    if (bound !== null) return (value) => typeof value === "number" && (compared[1] === ">" ? value > bound : compared[1] === "<" ? value < bound : compared[1] === ">=" ? value >= bound : value <= bound);
  }
  if (range) {
    const [from, to] = [amount(range[1], unitBytes), amount(range[2], unitBytes)];
    if (from !== null && to !== null) return (value) => typeof value === "number" && value >= from && value <= to;
  }
  const said = (value: Value) => String(value ?? "").toLocaleLowerCase();
  if (text === "-") return (value) => value == null || value === "";
  if (text.startsWith("!")) return (value) => !said(value).includes(text.slice(1));
  if (text.startsWith("=")) {
    const exact = amount(text.slice(1), unitBytes);
    return (value) => (typeof value === "number" ? value === exact : said(value) === text.slice(1));
  }
  return (value) => said(value).includes(text);
}

const collator = new Intl.Collator(undefined, { numeric: true });

function compare(a: Value, b: Value, sign: number): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  return sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b)));
}

interface Entry<T> {
  row: T;
  key: string;
  value: Value;
  passes: boolean;
  /** The update that saw it last. */
  seen: number;
}

/**
 * Rows that pass, in order, kept up to date: when some rows of many changed, only those are looked at, so that thousands of rows may change all the time. A row is
 * an object that is replaced when it changes; what its columns say may depend on nothing but the row and the columns.
 */
export class Arrangement<T> {
  readonly #keyOf: (row: T) => string;
  readonly #entries = new Map<string, Entry<T>>();
  #sorted: Entry<T>[] = [];
  #columns: readonly Column<T>[] = [];
  #order: Order = { filter: "", by: {}, sort: "", descending: false };
  #update = 0;

  constructor(keyOf: (row: T) => string) {
    this.#keyOf = keyOf;
  }

  update(rows: readonly T[], columns: readonly Column<T>[], order: Order): T[] {
    if (columns !== this.#columns || !same(order, this.#order)) this.forget();
    this.#columns = columns;
    this.#order = order;
    this.#update++;
    const judge = this.#judge();
    const moved: Entry<T>[] = [];
    let kept = this.#sorted;
    let isStale = false;
    for (const row of rows) {
      const key = this.#keyOf(row);
      const former = this.#entries.get(key);
      if (former) former.seen = this.#update;
      if (former && former.row === row) continue;
      const { value, passes } = judge(row);
      if (former && former.passes === passes && (!passes || former.value === value)) {
        former.row = row;
        continue;
      }
      const entry = { row, key, value, passes, seen: this.#update };
      isStale ||= former?.passes ?? false;
      this.#entries.set(key, entry);
      if (passes) moved.push(entry);
    }
    for (const [key, entry] of this.#entries) {
      if (entry.seen === this.#update) continue;
      isStale ||= entry.passes;
      this.#entries.delete(key);
    }
    if (isStale) kept = kept.filter((entry) => this.#entries.get(entry.key) === entry);
    if (moved.length > 0 || isStale) this.#sorted = this.#merge(kept, moved);
    return this.#sorted.map((entry) => entry.row);
  }

  /** Everything is looked at anew at the next update. */
  forget() {
    this.#entries.clear();
    this.#sorted = [];
  }

  #judge(): (row: T) => { value: Value; passes: boolean } {
    const { filter, by, sort } = this.#order;
    const columns = this.#columns;
    const words = filter.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const tests = columns.filter((column) => by[column.id]).map((column) => ({ column, test: tester(by[column.id], column.unitBytes) }));
    const sorter = columns.find((column) => column.id === sort);
    return (row) => {
      let passes = tests.every(({ column, test }) => test(column.value(row)));
      if (passes && words.length > 0) {
        const text = columns.map((column) => column.value(row) ?? "").join(" ").toLocaleLowerCase();
        passes = words.every((word) => text.includes(word));
      }
      return { value: sorter?.value(row), passes };
    };
  }

  #merge(kept: Entry<T>[], moved: Entry<T>[]): Entry<T>[] {
    const sign = this.#order.descending ? -1 : 1;
    const before = (left: Entry<T>, right: Entry<T>) => compare(left.value, right.value, sign) || (left.key < right.key ? -1 : left.key > right.key ? 1 : 0);
    moved.sort(before);
    if (kept.length === 0) return moved;
    const merged: Entry<T>[] = [];
    let from = 0;
    for (const entry of moved) {
      let [low, high] = [from, kept.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (before(kept[middle], entry) < 0) low = middle + 1;
        else high = middle;
      }
      for (; from < low; from++) merged.push(kept[from]);
      merged.push(entry);
    }
    for (; from < kept.length; from++) merged.push(kept[from]);
    return merged;
  }
}

function same(left: Order, right: Order): boolean {
  const [a, b] = [Object.entries(left.by), Object.entries(right.by)];
  return left.filter === right.filter && left.sort === right.sort && left.descending === right.descending && a.length === b.length && a.every(([id, text]) => right.by[id] === text);
}
