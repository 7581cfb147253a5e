export type Theme = "system" | "light" | "dark";
export type Language = "en" | "ko";

/** What a person chose for this browser. */
class Preferences {
  theme = $state<Theme>(read("theme", "system"));
  language = $state<Language>(read("language", navigator.language.startsWith("ko") ? "ko" : "en"));

  /** Where the tree is grouped by. */
  tree = $state<"hosts" | "tags" | "pools">(read("tree", "hosts"));

  #system = matchMedia("(prefers-color-scheme: dark)");
  #systemIsDark = $state(this.#system.matches);

  /** What is shown: as chosen, or as the system is now. */
  readonly shown = $derived<"light" | "dark">(this.theme !== "system" ? this.theme : this.#systemIsDark ? "dark" : "light");

  constructor() {
    this.#system.addEventListener("change", () => (this.#systemIsDark = this.#system.matches));
    $effect.root(() => {
      $effect(() => {
        document.documentElement.dataset.theme = this.shown;
        document.documentElement.lang = this.language;
        write("theme", this.theme);
        write("language", this.language);
        write("tree", this.tree);
      });
    });
  }
}

export function read<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`lamina.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function write(name: string, value: unknown) {
  try {
    localStorage.setItem(`lamina.${name}`, JSON.stringify(value));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export const preferences = new Preferences();
