import type { FirewallRuleCreate } from "../api/types";

/** What the form of a rule holds. */
export interface RuleWish {
  direction: "in" | "out";
  action: "accept" | "drop";
  protocol: "any" | "tcp" | "udp" | "icmp";
  ports: string;
  peer: "anybody" | "cidr" | "group" | "network";
  cidr: string;
  group: string;
  network: string;
  notes: string;
}

export const emptyRule: RuleWish = { direction: "in", action: "accept", protocol: "tcp", ports: "", peer: "anybody", cidr: "", group: "", network: "", notes: "" };

/** Pure: the request for a rule. */
export function ruleOf(wish: RuleWish): FirewallRuleCreate {
  const hasPorts = wish.protocol === "tcp" || wish.protocol === "udp";
  const ports = hasPorts ? wish.ports.split(/[\s,]+/).filter(Boolean) : [];
  return {
    direction: wish.direction, action: wish.action, protocol: wish.protocol,
    ...(ports.length > 0 ? { ports } : {}),
    ...(wish.peer === "anybody" ? {} : { peer: { [wish.peer]: wish[wish.peer] } }),
    ...(wish.notes ? { notes: wish.notes } : {}),
  };
}
