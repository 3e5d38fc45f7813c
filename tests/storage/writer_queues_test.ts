import { assertEquals, assertRejects } from "@std/assert";
import type { Chunk } from "../../src/storage/storage.ts";
import { WriterQueues } from "../../src/storage/writer_queues.ts";

function chunkOf(writer: string): Chunk {
  const checkpoint = { incarnation: "i", flush: 1, part: 0 };
  return { prefix: "p", writer, durable: false, checkpoint, previous: null, cells: [] };
}

Deno.test("WriterQueues.run() does a writer's work in order, also behind a failure, and others' beside it", async () => {
  const queues = new WriterQueues();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const failing = queues.run(chunkOf("a"), async () => {
    await first.promise;
    done.push("a1");
    throw new Error("told to fail");
  });
  const refused = assertRejects(() => failing, Error, "told to fail");
  const second = queues.run(chunkOf("a"), () => Promise.resolve(done.push("a2")));
  await queues.run(chunkOf("b"), () => Promise.resolve(done.push("b1")));
  assertEquals(done, ["b1"]);
  first.resolve();
  await queues.idle();
  assertEquals(done, ["b1", "a1", "a2"]);
  assertEquals(await second, 3);
  await refused;
});
