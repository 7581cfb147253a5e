import { afterEach, expect, it, vi } from "vitest";
import { get, patch, remove } from "../src/api/http";

const asked: { method: string; revision: string | null }[] = [];

/** Answers what is asked with these, one after the other. */
function answering(...answers: Response[]) {
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    asked.push({ method: init.method!, revision: new Headers(init.headers).get("Lamina-Min-Revision") });
    return Promise.resolve(answers.shift()!);
  });
}

const written = (revision: string) => new Response("{}", { headers: { "Lamina-Revision": revision } });

afterEach(() => {
  asked.length = 0;
  vi.unstubAllGlobals();
});

it("what is asked next waits for the last write, a change too", async () => {
  answering(written("a-7"), written("a-7"), written("a-8"), written("a-8"));
  await patch("/v1/vms/web1", {});
  await get("/v1/vms/web1");
  await remove("/v1/vms/web1");
  await get("/v1/vms");
  expect(asked.map((one) => one.revision)).toEqual([null, "a-7", "a-7", "a-8"]);
});

it("what was written in a store that was restored since is forgotten", async () => {
  const refusal = new Response(JSON.stringify({ code: "revision.otherStore" }), { status: 409 });
  answering(refusal, written("b-2"), written("b-2"));
  await patch("/v1/vms/web1", {});
  await get("/v1/vms/web1");
  expect(asked).toEqual([
    { method: "PATCH", revision: "a-8" },
    { method: "PATCH", revision: null },
    { method: "GET", revision: "b-2" },
  ]);
});
