import { assertEquals } from "@std/assert";
import { Outbox } from "../../src/protocol/outbox.ts";

/** A writer whose writes end when they are told to. */
class SlowWriter {
  readonly chunks: string[] = [];
  readonly #waiting: { resolve: (count: number) => void; reject: (error: Error) => void }[] = [];

  write(bytes: Uint8Array): Promise<number> {
    this.chunks.push(new TextDecoder().decode(bytes));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async take(count: number): Promise<void> {
    this.#waiting.shift()!.resolve(count);
    await settled();
  }

  async fail(): Promise<void> {
    this.#waiting.shift()!.reject(new Error("broken"));
    await settled();
  }
}

/** Lets everything that is due run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Outbox writes together what is sent during a write", async () => {
  const writer = new SlowWriter();
  const outbox = new Outbox(writer);
  outbox.send("a\n");
  outbox.send("");
  outbox.send("é\n");
  outbox.send("c\n");
  assertEquals(writer.chunks, ["a\n"]);
  await writer.take(2);
  assertEquals(writer.chunks, ["a\n", "é\nc\n"]);
  await writer.take(5);
  await outbox.flush();
  assertEquals(outbox.written, 7);
  assertEquals(outbox.unsent, 0);
  outbox.send("d");
  assertEquals(writer.chunks.length, 3);
  await writer.take(1);
});

Deno.test("Outbox goes on where a write ended too early", async () => {
  const writer = new SlowWriter();
  const outbox = new Outbox(writer);
  outbox.send("abcdef");
  await writer.take(2);
  await writer.take(3);
  await writer.take(1);
  assertEquals(writer.chunks, ["abcdef", "cdef", "f"]);
});

Deno.test("Outbox.ready waits while the limit is reached", async () => {
  const writer = new SlowWriter();
  const outbox = new Outbox(writer, 5);
  outbox.send("abc");
  assertEquals(outbox.ready(), undefined);
  outbox.send("def");
  let ready = false;
  const waiting = outbox.ready()!.then(() => ready = true);
  await settled();
  assertEquals(ready, false);
  await writer.take(3);
  await waiting;
  assertEquals(outbox.unsent, 3);
  await writer.take(3);
});

Deno.test("Outbox drops everything after a failed write, and lets waiters go", async () => {
  const writer = new SlowWriter();
  const outbox = new Outbox(writer, 1);
  outbox.send("abc");
  outbox.send("def");
  const waiting = outbox.ready();
  await writer.fail();
  await waiting;
  await outbox.flush();
  assertEquals(outbox.failed, true);
  assertEquals((outbox.error as Error).message, "broken");
  outbox.send("ghi");
  assertEquals(writer.chunks, ["abc"]);
  assertEquals(outbox.unsent, 0);
  assertEquals(outbox.ready(), undefined);
});
