import { hosts, vms } from "../api/live.svelte";
import type { PlacementRule } from "../api/types";
import { t } from "../i18n/index.svelte";

/** A rule in words. */
export function ruleWords(rule: PlacementRule): string {
  const { kind, tags } = rule.spec;
  const who = [...(rule.spec.vms ?? []).map((id) => vms.get(id)?.name ?? id), ...(tags ?? []).map((tag) => `#${tag}`)].join(", ");
  const where = (rule.spec.hosts ?? []).map((id) => hosts.get(id)?.name ?? id).join(", ");
  return t(`placement.rule.${kind}.words` as "placement.rule.apart.words", { vms: who, hosts: where });
}
