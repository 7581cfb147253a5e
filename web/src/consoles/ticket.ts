import { located, post } from "../api/http";

/** The address of a console's WebSocket, good for one opening. */
export async function consoleAddress(vm: string, kind: "vnc" | "serial"): Promise<string> {
  const { path } = await post<{ path: string }>(`/v1/vms/${vm}/console-ticket`, { kind });
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${located(path)}`;
}

/** Opens anew after each break, sooner at first; the guest may have been restarted or moved. */
export async function keepOpen(signal: AbortSignal, open: () => Promise<void>) {
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 5000)) {
    const begun = Date.now();
    await open().catch(() => {});
    if (signal.aborted) return;
    if (Date.now() - begun > 10_000) pause = 500;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
