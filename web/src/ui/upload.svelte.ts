import { ApiError, get, post, remove, send } from "../api/http";
import { session } from "../session/session.svelte";

interface Known {
  id: string;
  offsetBytes: number;
}

const chunkBytes = 8 * 2 ** 20;
const retries = 8;

/** One file on its way to the server. A broken line is taken up where it broke. */
export class Upload {
  sent = $state(0);
  speed = $state(0);
  busy = $state(false);
  #end: AbortController | null = null;

  /** The id under which the server has it then. */
  async run(file: File, pool: string | null): Promise<string> {
    this.busy = true;
    this.sent = 0;
    this.#end = new AbortController();
    let known: Known | null = null;
    try {
      known = await post<Known>(session.making("/v1/uploads"), { sizeBytes: file.size, pool });
      const begun = Date.now();
      let offset = known.offsetBytes;
      for (let failures = 0; offset < file.size; ) {
        try {
          await send("PATCH", session.making(`/v1/uploads/${known.id}`), {
            body: file.slice(offset, offset + chunkBytes), signal: this.#end.signal,
            headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) },
          });
          failures = 0;
        } catch (failure) {
          if (!(failure instanceof ApiError) || (failure.status !== 0 && failure.status < 500) || ++failures > retries) throw failure;
          await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** failures));
        }
        offset = (await get<Known>(session.making(`/v1/uploads/${known.id}`))).offsetBytes;
        this.sent = offset;
        this.speed = (offset / (Date.now() - begun)) * 1000;
      }
      return known.id;
    } catch (failure) {
      // Given up by hand: the room that was reserved is given back. After any other failure the server does that by itself, later.
      if (known && this.#end.signal.aborted) await remove(session.making(`/v1/uploads/${known.id}`)).catch(() => {});
      throw failure;
    } finally {
      this.busy = false;
    }
  }

  cancel() {
    this.#end?.abort();
  }
}
