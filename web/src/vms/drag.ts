import { vms } from "../api/live.svelte";
import type { Host, Vm } from "../api/types";
import { mayUse } from "./actions";
import { dialogs } from "./dialogs.svelte";

const kind = "application/x-lamina-vm";

export function vmDrag(event: DragEvent, vm: Vm) {
  event.dataTransfer?.setData(kind, vm.id);
  event.dataTransfer?.setData("text/plain", vm.name);
}

/** A VM dropped on a host is asked to go there. */
export function dropOnHost(event: DragEvent, host: Host) {
  const vm = vms.byId.get(event.dataTransfer?.getData(kind) ?? "");
  if (!vm || vm.assignment?.host === host.id || !mayUse(vm)) return;
  event.preventDefault();
  dialogs.open("migrate", vm, host);
}
