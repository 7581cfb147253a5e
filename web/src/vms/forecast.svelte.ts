import { ApiError, request } from "../api/http";
import type { VmCreate, VmForecast } from "../api/types";
import { askOf } from "./forecast";

const pauseMs = 300;
const againMs = 10_000;

/** What the VM of a form would take and where it would land: asked again when the form changes, and now and then, since others make VMs too. */
export class Forecasting {
  answer = $state.raw<VmForecast | null>(null);
  failure = $state.raw<unknown>(null);

  /** The words for one field of the form. */
  at(path: string): string | undefined {
    return this.failure instanceof ApiError ? this.failure.at(path) : undefined;
  }

  /** Gives what ends it. */
  ask(query: string, create: VmCreate): () => void {
    const end = new AbortController();
    const body = askOf(create);
    const load = () => request<VmForecast>("POST", `/v1/vms/forecast${query}`, { body, signal: end.signal }).then((answer) => {
      this.answer = answer;
      this.failure = null;
    }, (refusal) => {
      if (end.signal.aborted) return;
      this.answer = null;
      this.failure = refusal;
    });
    const first = setTimeout(load, pauseMs);
    const again = setInterval(() => { if (!document.hidden) void load(); }, againMs);
    return () => {
      clearTimeout(first);
      clearInterval(again);
      end.abort();
    };
  }
}
