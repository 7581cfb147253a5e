import { post } from "../api/http";
import type { Operation } from "../api/types";
import { session } from "../session/session.svelte";
import { attempt } from "../ui/toasts.svelte";

export const isOver = (operation: Operation) => ["succeeded", "failed", "cancelled"].includes(operation.state?.phase ?? "");

/** Its end can be asked for, by this user. */
export const mayCancel = (operation: Operation) => !isOver(operation) && operation.state?.cancellable === true && session.may("operate", operation.project ?? null);

export const cancel = (id: string) => void attempt(() => post(`/v1/operations/${id}/cancel`));

/** Pure: those under way first, then the newest. */
export function inOrder(operations: readonly Operation[]): Operation[] {
  return [...operations].sort((left, right) => Number(isOver(left)) - Number(isOver(right)) || right.request.createdAt.localeCompare(left.request.createdAt));
}
