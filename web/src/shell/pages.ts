import type { Component } from "svelte";
import type { TextKey } from "../i18n/index.svelte";
import type { IconName } from "../ui/icons";

interface Page {
  id: string;
  title: TextKey;
  icon: IconName;
  /** Loaded when it is first shown. */
  load: () => Promise<{ default: Component<{ parts: string[] }> | Component<Record<string, never>> }>;
  adminOnly?: boolean;
}

/** The table of contents: the first part of the address names the page. */
export const pages: Page[] = [
  { id: "", title: "overview", icon: "overview", load: () => import("../overview/OverviewPage.svelte") },
  { id: "vms", title: "vms", icon: "vm", load: () => import("../vms/VmsPage.svelte") },
  { id: "hosts", title: "hosts", icon: "host", load: () => import("../hosts/HostsPage.svelte") },
  { id: "placement", title: "placement", icon: "move", load: () => import("../placement/PlacementPage.svelte") },
  { id: "cluster", title: "cluster", icon: "cluster", load: () => import("../cluster/ClusterPage.svelte") },
  { id: "images", title: "images", icon: "image", load: () => import("../images/ImagesPage.svelte") },
  { id: "isos", title: "isos", icon: "iso", load: () => import("../isos/IsosPage.svelte") },
  { id: "pools", title: "pools", icon: "pool", load: () => import("../pools/PoolsPage.svelte") },
  { id: "networks", title: "networks", icon: "network", load: () => import("../networks/NetworksPage.svelte") },
  { id: "events", title: "events", icon: "clock", load: () => import("../events/EventsPage.svelte") },
  { id: "users", title: "users", icon: "user", load: () => import("../users/UsersPage.svelte"), adminOnly: true },
  { id: "settings", title: "settings", icon: "settings", load: () => import("../settings/SettingsPage.svelte") },
];
