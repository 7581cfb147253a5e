import { post, remove } from "../api/http";
import { hosts } from "../api/live.svelte";
import type { Operation, Vm } from "../api/types";
import { t } from "../i18n/index.svelte";
import { router } from "../router.svelte";
import { session } from "../session/session.svelte";
import { ask } from "../ui/ask.svelte";
import type { IconName } from "../ui/icons";
import type { MenuItem } from "../ui/menu.svelte";
import { attempt } from "../ui/toasts.svelte";
import { dialogs } from "./dialogs.svelte";
import { stateOf } from "./state";

export type PowerVerb = "start" | "shutdown" | "stop" | "pause" | "resume" | "reset" | "suspend";

const icons: Record<PowerVerb, IconName> = { start: "play", shutdown: "power", stop: "stop", pause: "pause", resume: "play", reset: "reset", suspend: "disk" };

/** Pure: which verbs make sense now. */
export function verbsOf(vm: Vm): PowerVerb[] {
  if (vm.spec.template || vm.spec.deleting) return [];
  switch (stateOf(vm)) {
    case "stopped": return ["start"];
    case "suspended": return ["start", "stop"];
    case "paused": return ["resume", "reset", "stop"];
    case "running": return ["shutdown", "pause", "suspend", "reset", "stop"];
    default: return ["stop"];
  }
}

/** Carries a verb out on several VMs; what would cost a guest its memory is asked first. */
export async function power(verb: PowerVerb, vms: Vm[]) {
  if (verb === "stop" || verb === "reset") {
    const names = vms.map((vm) => vm.name).join(", ");
    if (!(await ask({ title: t(`vm.${verb}.title`), text: t(`vm.${verb}.text`, { names }), action: t(`vm.${verb}`), danger: true }))) return;
  }
  const body = verb === "stop" ? { force: true } : {};
  await Promise.all(vms.map((vm) => attempt(() => post<Operation>(`/v1/vms/${vm.id}/${verb}`, body))));
}

export async function removeVms(vms: Vm[]) {
  const names = vms.map((vm) => vm.name).join(", ");
  const running = vms.some((vm) => !["stopped", "suspended"].includes(stateOf(vm)));
  const yes = await ask({
    title: t("vm.delete.title"), text: t(running ? "vm.delete.running" : "vm.delete.text", { names }), action: t("delete"), danger: true,
    typed: vms.length === 1 ? vms[0].name : String(vms.length),
  });
  if (!yes) return;
  const done = await Promise.all(vms.map((vm) => attempt(() => remove<Operation>(`/v1/vms/${vm.id}?force=true`))));
  if (done.every(Boolean) && router.parts[0] === "vms" && vms.some((vm) => vm.id === router.parts[1])) router.go("/vms");
}

async function makeTemplate(vm: Vm) {
  if (await ask({ title: t("vm.template.make"), text: t("vm.template.text", { name: vm.name }), action: t("vm.template.make") })) await attempt(() => post(`/v1/vms/${vm.id}/template`));
}

export function openConsole(vm: Vm, kind: "vnc" | "serial") {
  open(`/console/${vm.id}/${kind}`, `console-${vm.id}-${kind}`, "popup,width=1040,height=820");
}

/** All that can be done with a VM needs one permission in its project. */
export const mayUse = (vm: Vm) => session.may("operate", vm.project);

/** What can be done with these VMs, as a menu; empty for those who may only look. */
export function vmMenu(all: Vm[]): MenuItem[] {
  const vms = all.filter(mayUse);
  if (vms.length === 0) return [];
  const verbs = (["start", "resume", "shutdown", "pause", "suspend", "reset", "stop"] as const).filter((verb) => vms.some((vm) => verbsOf(vm).includes(verb)));
  const items: MenuItem[] = verbs.map((verb) => ({ text: t(`vm.${verb}`), icon: icons[verb], danger: verb === "stop", run: () => void power(verb, vms.filter((vm) => verbsOf(vm).includes(verb))) }));
  const [only] = vms;
  if (vms.length === 1) {
    const on = stateOf(only) === "stopped" ? null : t("vm.mustBeStopped");
    const off = stateOf(only) === "stopped" || stateOf(only) === "suspended" ? t("vm.notRunning") : null;
    items.push(
      { text: t("console.screen"), icon: "console", apart: true, why: off, run: () => openConsole(only, "vnc") },
      { text: t("console.serial"), icon: "console", why: off, run: () => openConsole(only, "serial") },
      { text: t("snapshot.create"), icon: "camera", apart: true, run: () => dialogs.open("snapshot", only) },
      { text: t("vm.clone"), icon: "copy", run: () => dialogs.open("clone", only) },
      { text: t("vm.migrate"), icon: "move", why: hosts.items.length < 2 ? t("vm.migrate.alone") : null, run: () => dialogs.open("migrate", only) },
      { text: t("edit"), icon: "edit", href: `/vms/${only.id}/hardware` },
      { text: t("vm.capture"), icon: "image", apart: true, why: on, run: () => dialogs.open("capture", only) },
      { text: t("vm.export"), icon: "upload", why: on, run: () => dialogs.open("export", only) },
      only.spec.template
        ? { text: t("vm.template.undo"), icon: "copy", run: () => void attempt(() => post(`/v1/vms/${only.id}/template`, { undo: true })) }
        : { text: t("vm.template.make"), icon: "copy", why: on, run: () => void makeTemplate(only) },
    );
    if (verbs.includes("start")) for (const boot of ["cdrom", "network"] as const) items.splice(1, 0, { text: t(`vm.startFrom.${boot}`), icon: "play", run: () => void attempt(() => post(`/v1/vms/${only.id}/start`, { boot })) });
    const home = hosts.byId.get(only.assignment?.host ?? "");
    if (home && !home.liveSince) items.push({ text: t("vm.takeOver"), icon: "move", danger: true, run: () => dialogs.open("takeOver", only) });
  }
  items.push({ text: t("delete"), icon: "trash", apart: true, danger: true, why: vms.some((vm) => vm.spec.protected) ? t("vm.protected.why") : null, run: () => void removeVms(vms) });
  return items;
}
