/** Reads server-sent events from a response's body: the data of each (WHATWG HTML, 9.2). */
export class EventStreamReader implements AsyncIterable<string> {
  readonly #body: ReadableStream<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#body = body;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    const reader = this.#body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
    let rest = "";
    let data = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("data:")) data += line.slice(line[5] === " " ? 6 : 5);
        else if (line === "" && data) {
          yield data;
          data = "";
        }
      }
    }
  }
}
