import type { WhoAmI } from "../api/types";

type Bindings = WhoAmI["bindings"];

/** What an action needs beyond looking, which everybody may who has a role. */
export type Permission = "operate" | "administer";

const rolesWith: Record<Permission, string[]> = { operate: ["operator", "admin"], administer: ["admin"] };

/** What belongs to no other project. */
export const defaultProject = "default";

/** Pure, and the server's own rule, by which this page only spares people refusals. Null: of the whole installation. */
export function allows(bindings: Bindings, permission: Permission, project: string | null): boolean {
  return bindings.some((binding) => (binding.scope === "*" || binding.scope === project) && rolesWith[permission].includes(binding.role));
}

/** Pure: the projects in which somebody may make things, the default one first. */
export function workshops(bindings: Bindings, known: string[]): string[] {
  const named = [...known, ...bindings.map((binding) => binding.scope).filter((scope) => scope !== "*")].sort();
  return [...new Set([defaultProject, ...named])].filter((project) => allows(bindings, "operate", project));
}
