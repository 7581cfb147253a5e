import { list, remove, request } from "../api/http";
import { read, write } from "../preferences.svelte";
import { attempt } from "./toasts.svelte";
import { inTable, leftOver, withView, type SavedView } from "./view";

/** The views that a person has kept, with his account: the same ones in every browser. */
class KeptViews {
  #all = $state.raw<SavedView[]>([]);

  of(table: string): SavedView[] {
    return inTable(this.#all, table);
  }

  /** Asks for them now, and again whenever a person comes back to this page. Gives what ends it. */
  follow(table: string): () => void {
    const load = () => { if (!document.hidden) void this.#load(); };
    void attempt(async () => { if (await this.#load()) await this.#adopt(table); });
    document.addEventListener("visibilitychange", load);
    return () => document.removeEventListener("visibilitychange", load);
  }

  async save(view: SavedView) {
    await request("PUT", `/v1/views/${encodeURIComponent(view.table)}/${encodeURIComponent(view.name)}`, { body: { query: view.query } });
    this.#all = withView(this.#all, view);
  }

  async drop(view: SavedView) {
    await remove(`/v1/views/${encodeURIComponent(view.table)}/${encodeURIComponent(view.name)}`);
    this.#all = this.#all.filter((one) => one !== view);
  }

  /** What this browser kept by itself, before views were kept with the user, goes to the server; then it is forgotten here. */
  async #adopt(table: string) {
    const kept = read<{ name: string; query: string }[]>(`views.${table}`, []);
    if (kept.length === 0) return;
    for (const view of leftOver(this.#all, table, kept)) await this.save(view);
    write(`views.${table}`, []);
  }

  /** Without an answer those that are known stay; the page says elsewhere that its line is broken. */
  #load(): Promise<boolean> {
    return list<SavedView>("/v1/views").then((found) => {
      this.#all = found;
      return true;
    }, () => false);
  }
}

export const keptViews = new KeptViews();
