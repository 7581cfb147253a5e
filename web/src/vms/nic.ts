import type { components } from "../api/schema";
import type { VmNic } from "../api/types";

type VmNicUpdate = components["schemas"]["VmNicUpdate"];

/** What the form of a card holds. */
export interface NicWish {
  network: string;
  address: string;
  link: "up" | "down";
  inboundKbps: number | null;
  outboundKbps: number | null;
  firewallGroups: string[];
}

/** Pure. */
export function nicWish(nic: VmNic): NicWish {
  return {
    network: nic.network ?? "", address: nic.address ?? "", link: nic.link ?? "up",
    inboundKbps: nic.inboundKbps ?? null, outboundKbps: nic.outboundKbps ?? null, firewallGroups: nic.firewallGroups ?? [],
  };
}

/** Pure: only what was changed; in another network an empty address is the next free one. */
export function nicUpdate(now: NicWish, wish: NicWish): VmNicUpdate {
  const update: VmNicUpdate = {};
  if (wish.network !== now.network) update.network = wish.network;
  if (wish.address !== now.address || wish.network !== now.network) update.address = wish.address || null;
  if (wish.link !== now.link) update.link = wish.link;
  if ((wish.inboundKbps || 0) !== (now.inboundKbps || 0)) update.inboundKbps = wish.inboundKbps || 0;
  if ((wish.outboundKbps || 0) !== (now.outboundKbps || 0)) update.outboundKbps = wish.outboundKbps || 0;
  if (wish.firewallGroups.join() !== now.firewallGroups.join()) update.firewallGroups = wish.firewallGroups;
  return update;
}
