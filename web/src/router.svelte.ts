/** The address of the page is the whole of what it shows: `/vms/<id>/disks?filter=…`. */
class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener("popstate", () => this.#read());
    // Links are real ones, so that they can be copied and opened in a tab of their own.
    document.addEventListener("click", (event) => {
      const link = (event.target as Element).closest?.("a");
      if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      if (link.origin !== location.origin || link.target || link.hasAttribute("download") || link.pathname.startsWith("/v1/")) return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    });
  }

  get parts(): string[] {
    return this.path.split("/").filter(Boolean).map(decodeURIComponent);
  }

  go(address: string) {
    if (address === location.pathname + location.search) return;
    history.pushState(null, "", address);
    this.#read();
    document.getElementById("main")?.scrollTo(0, 0);
  }

  /** Changes the query in place: a filter is no step to go back to. */
  setQuery(name: string, value: string | null) {
    const query = new URLSearchParams(location.search);
    if (value) query.set(name, value);
    else query.delete(name);
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
    this.#read();
  }

  #read() {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const router = new Router();
