import type { components } from "../api/schema";
import type { PlacementRule } from "../api/types";

type PlacementRuleCreate = components["schemas"]["PlacementRuleCreate"];
export type RuleKind = PlacementRule["spec"]["kind"];
export const ruleKinds: RuleKind[] = ["apart", "together", "onHosts", "notOnHosts"];

/** What the form of a rule holds. */
export interface RuleWish {
  name: string;
  kind: RuleKind;
  /** Ids. */
  vms: string[];
  tags: string;
  /** Ids. */
  hosts: string[];
  preferred: boolean;
  notes: string;
}

export const emptyRule: RuleWish = { name: "", kind: "apart", vms: [], tags: "", hosts: [], preferred: false, notes: "" };
export const namesHosts = (kind: RuleKind) => kind === "onHosts" || kind === "notOnHosts";

/** Pure: the request for a rule. */
export function ruleOf(wish: RuleWish): PlacementRuleCreate {
  const tags = wish.tags.split(/[\s,]+/).filter(Boolean);
  return {
    name: wish.name, kind: wish.kind, preferred: wish.preferred,
    ...(wish.vms.length > 0 ? { vms: wish.vms } : {}),
    ...(tags.length > 0 ? { tags } : {}),
    ...(namesHosts(wish.kind) ? { hosts: wish.hosts } : {}),
    ...(wish.notes ? { notes: wish.notes } : {}),
  };
}

/** Pure: whether the VMs are now as the rule wants them; VMs without a host are not counted. */
export function isKept(rule: PlacementRule, hostOf: (vm: string) => string | undefined): boolean {
  const where = (rule.covers ?? []).map(hostOf).filter((host) => host !== undefined);
  const named = new Set(rule.spec.hosts ?? []);
  switch (rule.spec.kind) {
    case "apart": return new Set(where).size === where.length;
    case "together": return new Set(where).size <= 1;
    case "onHosts": return where.every((host) => named.has(host));
    default: return where.every((host) => !named.has(host));
  }
}
