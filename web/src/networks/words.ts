import { firewallGroups, networks } from "../api/live.svelte";
import type { FirewallRule } from "../api/types";
import { t, word } from "../i18n/index.svelte";

/** A rule in words. */
export function ruleWords(rule: FirewallRule): string {
  const { cidr, group, network } = rule.peer ?? {};
  const peer = cidr ?? (group ? (firewallGroups.get(group)?.name ?? group) : network ? (networks.get(network)?.name ?? network) : t("firewall.anybody"));
  const protocol = rule.protocol && rule.protocol !== "any" ? rule.protocol.toUpperCase() : t("firewall.any");
  const ports = rule.ports?.length ? ` ${rule.ports.join(", ")}` : "";
  return t(rule.direction === "in" ? "firewall.ruleIn" : "firewall.ruleOut", { action: word("firewall.action", rule.action), protocol: protocol + ports, peer });
}
