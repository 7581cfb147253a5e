/** Pure: the members of a form that differ from what is, as a merge patch: an empty one goes back to its default. */
export function changes<T extends Record<string, unknown>>(now: T, wish: T): Partial<Record<keyof T, unknown>> {
  return Object.fromEntries(Object.entries(wish).filter(([key, value]) => value !== now[key]).map(([key, value]) => [key, value === "" ? null : value])) as Partial<Record<keyof T, unknown>>;
}
