import { expect, it } from "vitest";
import { EventStreamReader } from "../src/api/sse";

async function read(...chunks: string[]): Promise<string[]> {
  const bytes = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const data of new EventStreamReader(bytes)) found.push(data);
  return found;
}

it("gives each event's data, however the stream is cut", async () => {
  expect(await read("id: 1\nda", 'ta: {"a"', ":1}\n\n:\n\ndata:{}\n", "\n")).toEqual(['{"a":1}', "{}"]);
});
it("gives nothing of an event that did not come whole", async () => {
  expect(await read("data: {}\n")).toEqual([]);
});
