import { get } from "../api/http";
import { hosts } from "../api/live.svelte";
import type { Host, HostFigures, MetricsNow } from "../api/types";

const everyMs = 10_000;

/** All hosts with their load, while a component lives that asks for them: one that is alone tells its load to nobody, so it is asked. */
export function loadedHosts(): { readonly items: Host[] } {
  let alone = $state.raw<HostFigures | null>(null);
  const isAlone = $derived(hosts.items.length === 1);
  $effect(() => {
    if (!isAlone) return;
    const ask = () => void get<MetricsNow>("/v1/metrics/now?project=*").then((now) => (alone = now.host ?? null), () => {});
    ask();
    const timer = setInterval(ask, everyMs);
    return () => clearInterval(timer);
  });
  const told = $derived(alone && isAlone ? [withFigures(hosts.items[0], alone)] : hosts.items);
  return {
    get items() {
      return told;
    },
  };
}

/** Pure: the host with the load that its figures say. */
function withFigures(host: Host, figures: HostFigures): Host {
  const memoryBytes = (host.status?.memoryMiB ?? 0) * 2 ** 20;
  const load = { at: figures.at, seconds: 0, cpuPercent: figures.cpuPercent ?? 0, memoryBytes, memoryUsedBytes: memoryBytes - (figures.memoryAvailableBytes ?? memoryBytes) };
  return { ...host, load };
}
