import type { Host } from "../api/types";

/** The host that is about to be emptied, whose plan lies over the page. */
class Leaving {
  host = $state.raw<Host | null>(null);
  kind = $state<"maintenance" | "evacuate">("maintenance");

  open(host: Host, kind: "maintenance" | "evacuate") {
    this.kind = kind;
    this.host = host;
  }

  close = () => {
    this.host = null;
  };
}

export const leaving = new Leaving();
