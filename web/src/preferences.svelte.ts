export type Theme = "system" | "light" | "dark";
export type Language = "en" | "ko";

/** What a person chose for this browser. */
class Preferences {
  theme = $state<Theme>(read("theme", "system"));
  language = $state<Language>(read("language", navigator.language.startsWith("ko") ? "ko" : "en"));

  /** Where the tree is grouped by. */
  tree = $state<"hosts" | "tags" | "pools">(read("tree", "hosts"));

  constructor() {
    $effect.root(() => {
      $effect(() => {
        document.documentElement.dataset.theme = this.theme;
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
