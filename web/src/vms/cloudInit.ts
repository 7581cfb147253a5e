import type { components } from "../api/schema";
import type { Vm } from "../api/types";
import { stateOf } from "./state";

type CloudInitCreate = components["schemas"]["CloudInitCreate"];

/** What the form holds. Empty: as it is, which nobody can read; but for the host name, which is shown. */
export interface CloudInitWish {
  by: "fields" | "document";
  hostname: string;
  user: string;
  password: string;
  sshKeys: string;
  noPassword: boolean;
  noKeys: boolean;
  userData: string;
}

/** Pure. */
export const cloudInitWish = (vm: Vm): CloudInitWish => ({
  by: "fields", hostname: vm.spec.cloudInit?.hostname ?? vm.name, user: "", password: "", sshKeys: "", noPassword: false, noKeys: false, userData: "",
});

/** Pure: a merge patch. What is given in fields takes the place of a document of one's own, and the other way round. */
export function cloudInitChange(now: CloudInitWish, wish: CloudInitWish): CloudInitCreate {
  const change: CloudInitCreate = {};
  if (wish.hostname !== now.hostname) change.hostname = wish.hostname || null;
  if (wish.by === "document") return { ...change, ...(wish.userData ? { userData: wish.userData } : {}) };
  const keys = wish.sshKeys.split("\n").map((key) => key.trim()).filter(Boolean);
  if (wish.user) change.user = wish.user;
  if (wish.noPassword) change.password = null;
  else if (wish.password) change.password = wish.password;
  if (wish.noKeys) change.sshKeys = null;
  else if (keys.length > 0) change.sshKeys = keys;
  if (change.user || change.password || change.sshKeys) change.userData = null;
  return change;
}

/** Pure: it was changed since the guest was started, which is told of it at its next start. */
export function isUntold(vm: Vm): boolean {
  const changed = vm.spec.cloudInit?.changedAt;
  return changed != null && stateOf(vm) !== "stopped" && Date.parse(changed) > Date.parse(vm.status?.startedAt ?? changed);
}
