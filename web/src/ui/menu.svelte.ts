import type { IconName } from "./icons";

export interface MenuItem {
  text: string;
  icon?: IconName;
  run?: () => void;
  href?: string;
  danger?: boolean;
  /** Why it cannot be done now; shown, and the item is dead. */
  why?: string | null;
  checked?: boolean;
  /** A line above it. */
  apart?: boolean;
}

class OpenMenu {
  items = $state.raw<MenuItem[] | null>(null);
  x = $state(0);
  y = $state(0);
  from: HTMLElement | null = null;
}

export const menu = new OpenMenu();

/** Opens at the pointer, or under the button that was pressed. Where nothing can be done, the browser's own menu opens. */
export function openMenu(event: MouseEvent, items: MenuItem[]) {
  if (items.length === 0) return;
  event.preventDefault();
  event.stopPropagation();
  const button = (event.target as HTMLElement).closest("button");
  const place = button?.getBoundingClientRect();
  menu.from = button ?? (document.activeElement as HTMLElement | null);
  menu.x = event.type === "contextmenu" || !place ? event.clientX : place.left;
  menu.y = event.type === "contextmenu" || !place ? event.clientY : place.bottom + 2;
  menu.items = items;
}

export function closeMenu() {
  menu.items = null;
  menu.from?.focus();
  menu.from = null;
}
