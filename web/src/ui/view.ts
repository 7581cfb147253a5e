import type { components } from "../api/schema";
import type { Order } from "./table";

/** What a list shows: its order and its columns. It is the address, so that it can be sent to another person, and kept under a name. */
export interface View extends Order {
  columns: string[];
}

export type SavedView = components["schemas"]["SavedView"];

const prefix = "by.";

/** Pure: what an address says; what it leaves open is as remembered. */
export function viewOf(query: URLSearchParams, known: readonly string[], remembered: { sort: string; descending: boolean; columns: string[] }): View {
  const sort = query.get("sort");
  const id = sort?.replace(/^-/, "") ?? "";
  const columns = query.get("columns")?.split(",").filter((column) => known.includes(column)) ?? [];
  const by: Record<string, string> = {};
  for (const [name, value] of query) if (name.startsWith(prefix) && known.includes(name.slice(prefix.length))) by[name.slice(prefix.length)] = value;
  return {
    filter: query.get("filter") ?? "",
    by,
    ...(known.includes(id) ? { sort: id, descending: sort!.startsWith("-") } : { sort: remembered.sort, descending: remembered.descending }),
    columns: columns.length > 0 ? columns : remembered.columns.filter((column) => known.includes(column)),
  };
}

/** Pure: the query of the address that says all of it. */
export function queryOf(view: View): string {
  const query = new URLSearchParams();
  if (view.filter) query.set("filter", view.filter);
  for (const [id, text] of Object.entries(view.by)) if (text) query.set(prefix + id, text);
  query.set("sort", (view.descending ? "-" : "") + view.sort);
  query.set("columns", view.columns.join(","));
  return query.toString();
}

/** Pure: with one more, or with another content of the one of that name. */
export function withView(views: readonly SavedView[], saved: SavedView): SavedView[] {
  return [...views.filter((view) => view.table !== saved.table || view.name !== saved.name), saved];
}

/** Pure: those of one table, in the order of their names. */
export const inTable = (views: readonly SavedView[], table: string) => views.filter((view) => view.table === table).sort((left, right) => left.name.localeCompare(right.name));

/** Pure: what was kept elsewhere under a name that is not taken. */
export const leftOver = (views: readonly SavedView[], table: string, kept: readonly { name: string; query: string }[]): SavedView[] =>
  kept.filter((one) => !views.some((view) => view.table === table && view.name === one.name)).map(({ name, query }) => ({ table, name, query }));
