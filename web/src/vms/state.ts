import type { Vm, VmState } from "../api/types";

export const stateOf = (vm: Vm): VmState => vm.status?.state ?? "stopped";

export function toneOf(state: VmState): "good" | "warn" | "bad" | "soft" {
  if (state === "running" || state === "starting" || state === "stopping") return "good";
  if (state === "paused" || state === "suspended") return "warn";
  return state === "unresponsive" ? "bad" : "soft";
}

/** What needs a person: the status says why. */
export const needsAttention = (vm: Vm) => vm.status?.failure != null || vm.status?.state === "unresponsive";
