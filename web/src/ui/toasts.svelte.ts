import { ApiError } from "../api/http";

export interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
  remedy?: string;
}

class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;

  add(tone: Toast["tone"], text: string, remedy?: string) {
    const id = this.#next++;
    this.items.push({ id, tone, text, remedy });
    setTimeout(() => this.remove(id), tone === "bad" ? 12_000 : 4000);
  }

  remove(id: number) {
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();

/** Carries an action out; a refusal is shown in the server's own words. Null: it was refused. */
export async function attempt<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (failure) {
    if (failure instanceof ApiError) {
      const words = [failure.message, ...failure.problems.map((problem) => problem.message)].filter(Boolean).join(" ");
      if (failure.status !== 401) toasts.add("bad", words || failure.code, failure.remedy);
      return null;
    }
    throw failure;
  }
}
