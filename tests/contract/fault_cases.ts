/** @module The contract's cases about a store that fails: at any point, nothing is lost or doubled. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import type { Cell, Chunk } from "../../src/storage/storage.ts";
import {
  contents,
  count,
  idOf,
  names,
  PREFIX,
  sketch,
  sum,
  tally,
  TestWriter,
  totals,
} from "./kit.ts";
import type { Case, FaultyStore } from "./types.ts";

const CELLS: readonly Cell[] = [
  ...names("f", 20).map((field) => count(field, 3)),
  ...names("f", 10).map((field, i) => sum(field, BigInt(i) * 1_500_001n)),
  tally(7),
  sketch(["x", "y"]),
];

/** Commits what a writer still has to, as the engine does: the same chunks until they are through. */
async function commitAll(
  storage: FaultyStore["storage"],
  chunks: readonly Chunk[],
): Promise<Cell[]> {
  const refused = new Map<string, Cell>();
  for (const chunk of chunks) {
    const report = await storage.commit(chunk);
    for (const { cell, error } of report.refused) {
      assertInstanceOf(error, StorageError);
      assertEquals(error.code, "refused");
      refused.set(idOf(cell), cell);
    }
  }
  return [...refused.values()];
}

/** @see {@linkcode Case} */
export const FAULT_CASES: readonly Case[] = [
  {
    name: "commit() counts once when its answer is lost",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const writer = new TestWriter(store.storage);
      for (let i = 0; i < 3; i++) {
        store.loseAnswers(1);
        for (const report of await writer.flush(CELLS)) assertEquals(report.outcome, "applied");
      }
      assertEquals(await contents(store.storage), totals([...CELLS, ...CELLS, ...CELLS]));
      assertEquals(await store.storage.checkpoint(PREFIX, "writer"), writer.previous);
    },
  },
  {
    name: "commit() tries again what a lock stopped, and says how often",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const writer = new TestWriter(store.storage);
      const chunk = writer.chunk(CELLS.filter(({ kind }) => kind !== "sketch"));
      store.failWrites(2);
      const report = await store.storage.commit(chunk);
      assertEquals([report.outcome, report.retries], ["applied", 2]);
      assertEquals(await contents(store.storage), totals(chunk.cells));
    },
  },
  {
    name:
      "commit() gives up a lock that does not go, having applied nothing; the next call does it",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const writer = new TestWriter(store.storage);
      const chunks = writer.chunks(CELLS);
      store.failWrites(Infinity);
      const error = await assertRejects(() => store.storage.commit(chunks[0]), StorageError);
      assertEquals(error.code, "unavailable");
      store.heal();
      assertEquals(await contents(store.storage), {});
      await writer.commit(chunks);
      assertEquals(await contents(store.storage), totals(CELLS));
    },
  },
  {
    name:
      "commit() says unknown when the connection goes with the answer, and the same call settles it",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const writer = new TestWriter(store.storage);
      const chunks = writer.chunks(CELLS);
      store.loseAnswers(1);
      store.dieAfter(1);
      const error = await assertRejects(() => store.storage.commit(chunks[0]), StorageError);
      assertEquals(error.code, "unknown");
      store.heal();
      await writer.commit(chunks);
      assertEquals(await contents(store.storage), totals(CELLS));
    },
  },
  {
    name:
      "commit() is exact when the store dies after each of its writes and the chunks come again",
    needs: "faults",
    async run({ faults }) {
      const cells = [
        ...names("f", 3000).map((field) => count(field, 1)),
        ...names("s", 14).map((user, i) => sketch([user], { start: i })),
        ...CELLS,
      ];
      let writes = 0;
      for (let survived = false; !survived; writes++) {
        assert(writes < 60, "a flush has an end");
        const store = await faults();
        const chunks = new TestWriter(store.storage).chunks(cells);
        store.dieAfter(writes);
        try {
          await commitAll(store.storage, chunks);
          survived = true;
        } catch (error) {
          assertInstanceOf(error, StorageError);
          assert(["unknown", "unavailable"].includes(error.code), error.message);
        }
        store.heal();
        // A new process, which knows no more than its journal: all chunks from the first on.
        await commitAll(await store.again(), chunks);
        assertEquals(await contents(store.storage), totals(cells), `after ${writes} writes`);
        await store[Symbol.asyncDispose]();
      }
      assert(writes > 2, "it died before the first write and in the middle");
    },
  },
  {
    name: "commit() reports the cells that the store refuses, and applies all others once",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const cells = names("g", 40).map((field) => count(field, 2));
      const guilty = [cells[0], cells[17], cells[18], cells[39]];
      for (const cell of guilty) await store.poison(PREFIX, cell);
      const writer = new TestWriter(store.storage);
      const chunks = writer.chunks([...cells, ...CELLS]);
      const refused = await commitAll(store.storage, chunks);
      assertEquals(totals(refused), totals(guilty));
      assertEquals(await store.storage.checkpoint(PREFIX, "writer"), writer.previous);
      // Whoever asks again, because the report was lost, is told the same.
      const again = await store.storage.commit(chunks.at(-1)!);
      assertEquals(again.outcome, "skipped");
      assertEquals(totals(again.refused.map(({ cell }) => cell)), totals(guilty));

      for (const cell of guilty) await store.cure(PREFIX, cell);
      const good = cells.filter((cell) => !guilty.includes(cell));
      assertEquals(await contents(store.storage), totals([...good, ...CELLS]));
      await writer.flush(guilty);
      assertEquals(await contents(store.storage), totals([...cells, ...CELLS]));
    },
  },
  {
    name: "commit() refuses a sum whole or not at all, and a sketch where there is none",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      const before = [sum("a", 1_500_000n), sketch(["x"])];
      await new TestWriter(store.storage, { writer: "other" }).flush(before);
      const guilty = [sum("b", -2_750_000n), sketch(["y"], { start: 0 })];
      for (const cell of guilty) await store.poison(PREFIX, cell);
      const good = [sum("a", 1n), sum("c", 2_000_001n), sketch(["z"]), count("f", 1)];
      const writer = new TestWriter(store.storage);
      const refused = await commitAll(store.storage, writer.chunks([...guilty, ...good]));
      assertEquals(totals(refused), totals(guilty));
      for (const cell of guilty) await store.cure(PREFIX, cell);
      assertEquals(await contents(store.storage), totals([...before, ...good]));
    },
  },
  {
    name: "commit() is exact when the store dies after each write around a refused cell",
    needs: "faults",
    async run({ faults }) {
      const cells = [
        ...names("f", 12).map((field) => count(field, 1)),
        ...names("s", 6).map((field) => sum(field, -1_250_000n)),
      ];
      const guilty = [cells[4], cells[15]];
      const good = cells.filter((cell) => !guilty.includes(cell));
      let writes = 0;
      for (let survived = false; !survived; writes++) {
        assert(writes < 60, "a flush has an end");
        const store = await faults();
        for (const cell of guilty) await store.poison(PREFIX, cell);
        const chunks = new TestWriter(store.storage).chunks(cells);
        store.dieAfter(writes);
        try {
          await commitAll(store.storage, chunks);
          survived = true;
        } catch (error) {
          assertInstanceOf(error, StorageError);
        }
        store.heal();
        const refused = await commitAll(await store.again(), chunks);
        assertEquals(totals(refused), totals(guilty), `after ${writes} writes`);
        for (const cell of guilty) await store.cure(PREFIX, cell);
        assertEquals(await contents(store.storage), totals(good), `after ${writes} writes`);
        await store[Symbol.asyncDispose]();
      }
      assert(writes > 1, "it died, and went on"); // where one write carries all, not in the middle
    },
  },
  {
    name: "acquireWriter() and claimTimezone() come through a lost answer and a lock",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      store.loseAnswers(1);
      assertEquals(await store.storage.claimTimezone(PREFIX, "UTC"), "UTC");
      store.loseAnswers(1);
      assertEquals(await store.storage.acquireWriter(PREFIX, "w", "one", 60_000), true);
      store.failWrites(2);
      assertEquals(await store.storage.acquireWriter(PREFIX, "w", "one", 60_000), true);
      assertEquals(await store.storage.acquireWriter(PREFIX, "w", "two", 60_000), false);
      store.failWrites(1);
      await store.storage.releaseWriter(PREFIX, "w", "one");
      assertEquals(await store.storage.acquireWriter(PREFIX, "w", "two", 60_000), true);
    },
  },
  {
    name: "removeWriter() comes through a lost answer and a lock",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      for (const disturb of [() => store.loseAnswers(1), () => store.failWrites(2)]) {
        const writer = new TestWriter(store.storage, { writer: crypto.randomUUID() });
        await writer.flush(CELLS);
        const [{ writer: id }] = await store.storage.writers(PREFIX);
        disturb();
        assertEquals(await store.storage.removeWriter(PREFIX, id), true);
        assertEquals(await store.storage.writers(PREFIX), []);
      }
    },
  },
  {
    name: "prune() comes through lost answers and locks",
    needs: "faults",
    async run({ faults }) {
      const store = await faults();
      await new TestWriter(store.storage).flush(CELLS);
      store.loseAnswers(1);
      const report = await store.storage.prune({ prefix: PREFIX, unit: "d", before: 1e12 });
      assertEquals(report, { buckets: 1, cells: CELLS.length });
      assertEquals(await contents(store.storage), {});
    },
  },
];
