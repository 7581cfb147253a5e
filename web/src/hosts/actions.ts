import { post } from "../api/http";
import { hosts } from "../api/live.svelte";
import type { Host } from "../api/types";
import { t } from "../i18n/index.svelte";
import type { MenuItem } from "../ui/menu.svelte";
import { attempt } from "../ui/toasts.svelte";
import { leaving } from "./leaving.svelte";

/** What can be done with a host. */
export function hostMenu(host: Host): MenuItem[] {
  const alone = hosts.items.length < 2 ? t("vm.migrate.alone") : null;
  return [
    host.spec.maintenance
      ? { text: t("maintenance.exit"), icon: "check", run: () => void attempt(() => post(`/v1/hosts/${host.id}/maintenance`, { action: "exit" })) }
      : { text: t("maintenance.enter"), icon: "wrench", why: alone, run: () => (leaving.open(host, "maintenance")) },
    { text: t("host.evacuate"), icon: "move", why: alone, run: () => leaving.open(host, "evacuate") },
  ];
}
