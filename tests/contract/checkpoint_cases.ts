/** @module The contract's cases about counting once: checkpoints, and who may commit. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StorageError, type StorageErrorCode } from "../../src/base/errors.ts";
import type { Chunk, Storage } from "../../src/storage/storage.ts";
import { contents, count, names, PREFIX, sketch, sum, TestWriter, totals } from "./kit.ts";
import type { Case } from "./types.ts";

const CELLS = [count("a", 1), sum("a", -1_500_000n), sketch(["x"])];

async function rejects(
  storage: Storage,
  chunk: Chunk,
  code: StorageErrorCode,
): Promise<StorageError> {
  const error = await assertRejects(() => storage.commit(chunk), StorageError);
  assertEquals(error.code, code, error.message);
  return error;
}

async function* inOrder(chunks: readonly Chunk[]): AsyncGenerator<Chunk> {
  yield* chunks;
}

/** @see {@linkcode Case} */
export const CHECKPOINT_CASES: readonly Case[] = [
  {
    name: "commit() counts a repeated chunk once",
    async run({ open }) {
      const storage = await open();
      const chunks = new TestWriter(storage).chunks(CELLS);
      for (const chunk of chunks) {
        assertEquals((await storage.commit(chunk)).outcome, "applied");
        const again = await storage.commit(chunk);
        assertEquals([again.outcome, again.refused], ["skipped", []]);
      }
      assertEquals(await contents(storage), totals(CELLS));
    },
  },
  {
    name: "commit() counts the same chunk once when it comes twice at the same time",
    async run({ open }) {
      const storage = await open();
      const chunk = new TestWriter(storage).chunk([count("a", 1)]);
      const reports = await Promise.all([storage.commit(chunk), storage.commit(chunk)]);
      assertEquals(reports.map(({ outcome }) => outcome).sort(), ["applied", "skipped"]);
      assertEquals(await contents(storage), totals(chunk.cells));
    },
  },
  {
    name: "commit() skips every chunk that the writer's checkpoint is past",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const cells = names("f", 2500).map((field) => count(field, 1));
      const chunks = [...writer.chunks(cells), ...writer.chunks(cells), ...writer.chunks(CELLS)];
      await writer.commit(chunks);
      const again = await writer.commit(chunks);
      assertEquals(new Set(again.map(({ outcome }) => outcome)), new Set(["skipped"]));
      assertEquals(await contents(storage), totals([...cells, ...cells, ...CELLS]));
    },
  },
  {
    name: "verify() of chunks that are in storage changes nothing, and they still count once",
    async run({ open }) {
      const storage = await open();
      const one = new TestWriter(storage, { incarnation: "one" });
      const chunks = [...one.chunks(CELLS), ...one.chunks(CELLS)];
      const two = new TestWriter(storage, { incarnation: "two", previous: one.previous });
      chunks.push(...two.chunks(CELLS));
      await one.commit(chunks);
      const notYet = two.chunks(CELLS);
      await storage.verify?.(PREFIX, "writer", inOrder([...chunks, ...notYet]));
      assertEquals(await storage.checkpoint(PREFIX, "writer"), chunks.at(-1)!.checkpoint);
      assertEquals(await contents(storage), totals([...CELLS, ...CELLS, ...CELLS]));
      await two.commit(notYet);
      await storage.verify?.(PREFIX, "nobody", inOrder(chunks));
      assertEquals(await contents(storage), totals(Array(4).fill(CELLS).flat()));
    },
  },
  {
    name: "commit() goes on after a part of a flush, with the same parts",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const cells = names("f", 5000).map((field) => count(field, 1));
      const chunks = writer.chunks(cells);
      await writer.commit(chunks.slice(0, Math.ceil(chunks.length / 2)));
      await writer.commit(chunks);
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() says behind when the checkpoint is missing",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      writer.chunks(CELLS); // confirmed, says the writer; the storage knows nothing of it
      const chunk = writer.chunk([count("a", 1)]);
      const error = await rejects(storage, chunk, "behind");
      assertStringIncludes(error.message, "received none");
      await rejects(storage, chunk, "behind");
      assertEquals(await contents(storage), {});
      assertEquals(await storage.checkpoint(PREFIX, "writer"), null);
    },
  },
  {
    name: "commit() says behind when the checkpoint is older than the previous one, then goes on",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const chunks = names("f", 4).map((field) => writer.chunk([count(field, 1)]));
      await writer.commit(chunks.slice(0, 2));
      await rejects(storage, chunks[3], "behind");
      assertEquals(await storage.checkpoint(PREFIX, "writer"), chunks[1].checkpoint);
      await writer.commit(chunks.slice(1));
      assertEquals(await contents(storage), totals(chunks.flatMap(({ cells }) => cells)));
    },
  },
  {
    name: "commit() says foreign when another incarnation commits as the same writer",
    async run({ open }) {
      const storage = await open();
      const one = new TestWriter(storage, { incarnation: "one" });
      const two = new TestWriter(storage, { incarnation: "two" });
      await one.commit([one.chunk([count("a", 1)])]);
      await rejects(storage, two.chunk([count("a", 10)]), "foreign");
      await rejects(storage, two.chunk([count("a", 10)]), "foreign");
      await one.commit([one.chunk([count("a", 1)])]);
      assertEquals(await contents(storage), totals([count("a", 2)]));
    },
  },
  {
    name: "commit() says foreign to the one that was replaced",
    async run({ open }) {
      const storage = await open();
      const one = new TestWriter(storage, { incarnation: "one" });
      await one.commit([one.chunk([count("a", 1)])]);
      const two = new TestWriter(storage, { incarnation: "two", previous: one.previous });
      await two.commit([two.chunk([count("a", 1)])]);
      await rejects(storage, one.chunk([count("a", 10)]), "foreign");
      await two.commit([two.chunk([count("a", 1)])]);
      assertEquals(await contents(storage), totals([count("a", 3)]));
    },
  },
  {
    name: "commit() says foreign when the same incarnation left a chunk out",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const chunks = names("f", 3).map((field) => writer.chunk([count(field, 1)]));
      await writer.commit(chunks.slice(0, 2));
      await rejects(storage, { ...chunks[2], previous: chunks[0].checkpoint }, "foreign");
      await rejects(storage, { ...chunks[2], previous: null }, "foreign");
    },
  },
  {
    name: "commit() lets a new incarnation follow the checkpoint of the old one",
    async run({ open }) {
      const storage = await open();
      const one = new TestWriter(storage, { incarnation: "one" });
      await one.flush(CELLS);
      const previous = await storage.checkpoint(PREFIX, "writer");
      const two = new TestWriter(storage, { incarnation: "two", previous });
      await two.flush(CELLS);
      assertEquals(await contents(storage), totals([...CELLS, ...CELLS]));
      assertEquals((await storage.checkpoint(PREFIX, "writer"))?.incarnation, "two");
    },
  },
  {
    name: "commit() tells refusal from damage: a chunk that was refused left nothing",
    async run({ open }) {
      const storage = await open();
      const one = new TestWriter(storage, { incarnation: "one" });
      const two = new TestWriter(storage, { incarnation: "two" });
      await one.flush(CELLS);
      for (const chunk of two.chunks([...CELLS, count("other", 1, { start: 0 })])) {
        await rejects(storage, chunk, "foreign");
      }
      assertEquals(await contents(storage), totals(CELLS));
    },
  },
  {
    name: "checkpoint() is null, then the last chunk, apart for writers and prefixes",
    async run({ open }) {
      const storage = await open();
      assertEquals(await storage.checkpoint(PREFIX, "writer"), null);
      const writers = [
        { prefix: "p", writer: "w" },
        { prefix: "p2", writer: "w" },
        { prefix: "p", writer: "w2", durable: false },
        { prefix: "p", writer: "w:/*?{}~\0😀" },
      ];
      for (const [i, options] of writers.entries()) {
        const writer = new TestWriter(storage, { ...options, incarnation: `i${i}` });
        for (let n = 0; n <= i; n++) await writer.flush(CELLS);
        assertEquals(await storage.checkpoint(options.prefix, options.writer), writer.previous);
      }
      const found = await Promise.all(
        writers.map(({ prefix, writer }) => storage.checkpoint(prefix, writer)),
      );
      assertEquals(found.map((it) => [it?.incarnation, it?.flush]), [
        ["i0", 1],
        ["i1", 2],
        ["i2", 3],
        ["i3", 4],
      ]);
      assertEquals(found[0], { incarnation: "i0", flush: 1, part: found[0]!.part }, "no more");
    },
  },
  {
    name: "acquireWriter() gives a writer to one incarnation at a time",
    async run({ open }) {
      const storage = await open();
      const take = (incarnation: string, ttlMs = 60_000) =>
        storage.acquireWriter(PREFIX, "w", incarnation, ttlMs);
      assertEquals(await take("one"), true);
      assertEquals(await take("two"), false);
      assertEquals(await take("one"), true, "it keeps what it has");
      assertEquals(await storage.acquireWriter(PREFIX, "other", "two", 60_000), true);
      assertEquals(await storage.acquireWriter("p2", "w", "two", 60_000), true);
      await storage.releaseWriter(PREFIX, "w", "two");
      assertEquals(await take("two"), false, "only the holder gives it up");
      await storage.releaseWriter(PREFIX, "w", "one");
      await storage.releaseWriter(PREFIX, "w", "one");
      assertEquals(await take("two"), true);
      assertEquals(await take("one"), false);
    },
  },
  {
    name: "acquireWriter() gives a writer away when its time is over",
    async run({ open }) {
      const storage = await open();
      assertEquals(await storage.acquireWriter(PREFIX, "w", "one", 40), true);
      assertEquals(await storage.acquireWriter(PREFIX, "w", "two", 40), false);
      await new Promise((resolve) => setTimeout(resolve, 80));
      assertEquals(await storage.acquireWriter(PREFIX, "w", "two", 60_000), true);
      assertEquals(await storage.acquireWriter(PREFIX, "w", "one", 60_000), false);
    },
  },
  {
    name: "acquireWriter() has one winner among many at once",
    async run({ open }) {
      const storage = await open();
      const got = await Promise.all(
        names("i", 12).map((incarnation) =>
          storage.acquireWriter(PREFIX, "w", incarnation, 60_000)
        ),
      );
      assertEquals(got.filter(Boolean).length, 1);
    },
  },
  {
    name: "writers() lists the writers whose checkpoint never expires, however often they commit",
    async run({ open }) {
      const storage = await open();
      assertEquals(await storage.writers(PREFIX), []);
      const journaled = new TestWriter(storage, { writer: "journaled" });
      const idle = new TestWriter(storage, { writer: "idle" });
      const passing = new TestWriter(storage, { writer: "passing", durable: false });
      const other = new TestWriter(storage, { prefix: `${PREFIX}2`, writer: "other" });
      await idle.flush(CELLS);
      for (let i = 0; i < 3; i++) {
        for (const writer of [journaled, passing, other]) await writer.flush(CELLS);
        await journaled.flush(names("f", 2100).map((field) => count(field, 1)));
      }
      assertEquals(await storage.acquireWriter(PREFIX, "journaled", "one", 60_000), true);
      assertEquals(await storage.acquireWriter(PREFIX, "leased", "one", 60_000), true);
      assertEquals(
        (await storage.writers(PREFIX)).sort((a, b) => a.writer < b.writer ? -1 : 1),
        [
          { writer: "idle", checkpoint: idle.previous!, held: false },
          { writer: "journaled", checkpoint: journaled.previous!, held: true },
        ],
      );
      await storage.releaseWriter(PREFIX, "journaled", "one");
      assertEquals((await storage.writers(PREFIX)).map(({ held }) => held), [false, false]);
    },
  },
  {
    name: "removeWriter() removes one checkpoint that never expires, and no other",
    async run({ open }) {
      const storage = await open();
      const gone = new TestWriter(storage, { writer: "gone" });
      const kept = new TestWriter(storage, { writer: "kept" });
      const passing = new TestWriter(storage, { writer: "passing", durable: false });
      const other = new TestWriter(storage, { prefix: "other", writer: "gone" });
      for (const writer of [gone, kept, passing, other]) await writer.flush(CELLS);
      const before = await contents(storage);

      assertEquals(await storage.removeWriter(PREFIX, "passing"), false);
      assertEquals(await storage.removeWriter(PREFIX, "absent"), false);
      assertEquals(await storage.removeWriter("none", "gone"), false);
      assertEquals(await storage.removeWriter(PREFIX, "gone"), true);
      assertEquals(await storage.removeWriter(PREFIX, "gone"), false);

      assertEquals(await storage.checkpoint(PREFIX, "gone"), null);
      assertEquals(await storage.checkpoint(PREFIX, "kept"), kept.previous);
      assertEquals(await storage.checkpoint(PREFIX, "passing"), passing.previous);
      assertEquals(await storage.checkpoint("other", "gone"), other.previous);
      assertEquals((await storage.writers(PREFIX)).map(({ writer }) => writer), ["kept"]);
      assertEquals(await contents(storage), before);
      for (const writer of [kept, passing, other]) await writer.flush(CELLS);
      // Who comes back is told, and does not count anew what it keeps.
      await rejects(storage, gone.chunk(CELLS), "behind");
    },
  },
  {
    name: "removeWriter() refuses a writer that is held, until it is given up or its time is over",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage, { writer: "w" });
      await writer.flush(CELLS);
      await storage.acquireWriter(PREFIX, "w", "one", 60_000);
      assertEquals(await storage.removeWriter(PREFIX, "w"), false);
      assertEquals(await storage.checkpoint(PREFIX, "w"), writer.previous);
      await storage.releaseWriter(PREFIX, "w", "one");
      assertEquals(await storage.acquireWriter(PREFIX, "w", "two", 40), true);
      assertEquals(await storage.removeWriter(PREFIX, "w"), false);
      await new Promise((resolve) => setTimeout(resolve, 80));
      assertEquals(await storage.removeWriter(PREFIX, "w"), true);
    },
  },
  {
    name:
      "removeWriter() and a commit at once: the commit stands with its checkpoint, or says behind",
    async run({ open }) {
      const storage = await open();
      for (let i = 0; i < 20; i++) {
        const writer = new TestWriter(storage, { writer: `w${i}` });
        await writer.flush([count("a", 1)]);
        const [removed, outcome] = await Promise.all([
          storage.removeWriter(PREFIX, `w${i}`),
          writer.flush([count("b", 1)]).then(() => "applied", (error) => error.code as string),
        ]);
        const stands = await storage.checkpoint(PREFIX, `w${i}`);
        if (outcome === "applied") assertEquals(stands, removed ? null : writer.previous);
        else assertEquals([removed, outcome, stands], [true, "behind", null]);
      }
    },
  },
];
