import type { Operation } from "../api/types";

export const isOver = (operation: Operation) => ["succeeded", "failed", "cancelled"].includes(operation.state?.phase ?? "");

/** Pure: those under way first, then the newest. */
export function inOrder(operations: readonly Operation[]): Operation[] {
  return [...operations].sort((left, right) => Number(isOver(left)) - Number(isOver(right)) || right.request.createdAt.localeCompare(left.request.createdAt));
}
