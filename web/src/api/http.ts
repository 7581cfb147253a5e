import type { InputProblem, Problem } from "./types";

/** A refusal of the server, in its own words (RFC 9457), or the line that broke (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy?: string;
  readonly problems: InputProblem[];

  constructor(problem: Partial<Problem> & { status: number; code: string }) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.status = problem.status;
    this.code = problem.code;
    this.remedy = problem.remedy ?? undefined;
    this.problems = problem.problems ?? [];
  }

  /** The words for one field of a form, such as `$.name`, `$.tags` with all of its elements, or `$.tags[1]`. */
  at(path: string): string | undefined {
    return this.problems.filter((problem) => isOf(problem.path, path)).map((problem) => problem.message).join(" ") || undefined;
  }
}

/** Pure: whether a problem is one of this field: of its value, or of an element of its list. */
export const isOf = (problem: string, path: string) => problem === path || (problem.startsWith(`${path}[`) && problem.indexOf("]", path.length) === problem.length - 1);

/** Called when a request was refused because the session has ended: whether somebody has signed in again since. */
export const onSignedOut: { call: () => Promise<boolean> } = { call: () => Promise.resolve(false) };

/** Set by who knows the objects: the project of one of them. */
export const projectOf: { call: (kind: string, id: string) => string | undefined } = { call: () => undefined };

/** The address with the project of the object that it names, in which the server looks for it. */
export function located(path: string): string {
  const [, kind, id] = /^\/v1\/([a-z-]+)\/([^/?]+)/.exec(path) ?? [];
  const project = kind ? projectOf.call(kind, decodeURIComponent(id)) : undefined;
  return !project || project === "default" || /[?&]project=/.test(path) ? path : `${path}${path.includes("?") ? "&" : "?"}project=${encodeURIComponent(project)}`;
}

/** The revision of the last write: what is asked next waits for it, so that one sees what one wrote, and no change is refused for what is no longer so. */
let written: string | null = null;

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** For a creation: sent again after a broken line, it does not create twice. */
  once?: boolean;
}

export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  if (written) headers["Lamina-Min-Revision"] = written;
  if (options.once) headers["Idempotency-Key"] = crypto.randomUUID();
  let body: BodyInit | undefined;
  if (options.body instanceof Blob) body = options.body;
  else if (options.body !== undefined) {
    headers["Content-Type"] ??= method === "PATCH" ? "application/merge-patch+json" : "application/json";
    body = JSON.stringify(options.body);
  }
  const response = await fetchAgain(located(path), { method, headers, body, signal: options.signal, credentials: "same-origin" }, method === "GET" || options.once === true);
  if (method !== "GET") written = response.headers.get("Lamina-Revision") ?? written;
  if (response.ok) return response;
  const refusal = await problemOf(response);
  // The store was restored from a backup: nothing was done, and what was written before is void.
  if (refusal.code === "revision.otherStore" && written) {
    written = null;
    return send(method, path, options);
  }
  if (refusal.status === 401 && refusal.code !== "auth.failed" && (await onSignedOut.call())) return send(method, path, options);
  throw refusal;
}

/** A browser drops what it has asked when the network of its machine changes. What may be asked twice is asked again, soon, before anybody is told. */
async function fetchAgain(path: string, init: RequestInit, mayRepeat: boolean): Promise<Response> {
  for (let tries = mayRepeat ? 3 : 1; ; tries--) {
    try {
      return await fetch(path, init);
    } catch (failure) {
      if (init.signal?.aborted) throw failure;
      if (tries <= 1) throw new ApiError({ status: 0, code: "line.broken", detail: "" });
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const get = <T>(path: string, signal?: AbortSignal) => request<T>("GET", path, { signal });
export const post = <T>(path: string, body?: unknown) => request<T>("POST", path, { body: body ?? {}, once: true });
export const patch = <T>(path: string, body: unknown) => request<T>("PATCH", path, { body });
export const remove = <T>(path: string) => request<T>("DELETE", path);

/** All items of a list, page after page. */
export async function list<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = null; ; ) {
    const query: string = cursor ? `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : "";
    const page: { items: T[]; next?: string | null } = await get(path + query, signal);
    items.push(...page.items);
    if (!page.next) return items;
    cursor = page.next;
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    return new ApiError({ code: "unknown", ...(await response.json()), status: response.status });
  } catch {
    return new ApiError({ status: response.status, code: "unknown", detail: response.statusText });
  }
}
