import { post, remove } from "../api/http";
import { hosts } from "../api/live.svelte";
import type { Host } from "../api/types";
import { deed, t } from "../i18n/index.svelte";
import { session } from "../session/session.svelte";
import { ask } from "../ui/ask.svelte";
import type { MenuItem } from "../ui/menu.svelte";
import { attempt } from "../ui/toasts.svelte";
import { leaving } from "./leaving.svelte";

/** What can be done with a host; empty for those who may only look. */
export function hostMenu(host: Host): MenuItem[] {
  if (!session.isAdmin) return [];
  const alone = hosts.items.length < 2 ? t("vm.migrate.alone") : null;
  return [
    host.spec.maintenance
      ? { text: t("maintenance.exit"), icon: "check", run: () => void attempt(() => post(`/v1/hosts/${host.id}/maintenance`, { action: "exit" })) }
      : { text: t("maintenance.enter"), icon: "wrench", why: alone, run: () => (leaving.open(host, "maintenance")) },
    { text: t("host.evacuate"), icon: "move", why: alone, run: () => leaving.open(host, "evacuate") },
    ...(["reboot", "shutdown"] as const).map((action): MenuItem => ({ text: t(`host.${action}`), icon: action === "reboot" ? "reset" : "power", apart: action === "reboot", danger: true, run: () => void powerHost(host, action) })),
    { text: t("host.remove"), icon: "trash", danger: true, why: alone, run: () => void removeHost({ ...host, live: !!host.liveSince }) },
  ];
}

/** Empties the host first, as far as its guests can go. */
async function powerHost(host: Host, action: "reboot" | "shutdown") {
  const yes = await ask({ title: deed(`host.${action}`), text: t(`host.${action}.text`, { name: host.name }), action: deed(`host.${action}`), danger: true, typed: host.name });
  if (yes) await attempt(() => post(`/v1/hosts/${host.id}/power`, { action }));
}

/** Of a host that is silent, the question asks for a person's word that it is off for good. */
export async function removeHost(host: { id: string; name: string; live?: boolean | null }) {
  const yes = await ask({ title: deed("host.remove"), text: t(host.live ? "host.remove.text" : "host.remove.dead", { name: host.name }), action: deed("host.remove"), danger: true, typed: host.name });
  if (yes) await attempt(() => remove(`/v1/hosts/${host.id}?dead=${!host.live}`));
}
