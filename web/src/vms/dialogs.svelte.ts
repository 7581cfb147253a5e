import type { Host, Vm } from "../api/types";

export type DialogKind = "snapshot" | "clone" | "migrate" | "capture" | "export" | "takeOver";

/** Which form about a VM lies over the page. */
class Dialogs {
  kind = $state<DialogKind | null>(null);
  vm = $state.raw<Vm | null>(null);
  /** Where it was dropped. */
  host = $state.raw<Host | null>(null);

  open(kind: DialogKind, vm: Vm, host: Host | null = null) {
    this.vm = vm;
    this.host = host;
    this.kind = kind;
  }

  close = () => {
    this.kind = null;
  };
}

export const dialogs = new Dialogs();
