/** @module The contract's cases about time zone, prune, close and what outlives the process. */
import { assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import type { Cell, Storage } from "../../src/storage/storage.ts";
import {
  ADD,
  contents,
  count,
  DAY,
  everything,
  names,
  PREFIX,
  readAll,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  TOP,
  totals,
} from "./kit.ts";
import type { Case } from "./types.ts";

/** Cells of each kind: 5 cells, 2 of which are fractions. */
function bucket(start: number): Cell[] {
  return [
    count("a", 1, { start }),
    sum("a", 1_500_000n, { start }),
    sum("b", -1n, { start }),
    tally(2, { start }),
    sketch(["x"], { start }),
  ];
}

/** @see {@linkcode Case} */
export const META_CASES: readonly Case[] = [
  {
    name: "timezone() is null until one is claimed, and the first claim stands",
    async run({ open }) {
      const storage = await open();
      assertEquals(await storage.timezone(PREFIX), null);
      assertEquals(await storage.claimTimezone(PREFIX, "Europe/Berlin"), "Europe/Berlin");
      assertEquals(await storage.claimTimezone(PREFIX, "UTC"), "Europe/Berlin");
      assertEquals(await storage.timezone(PREFIX), "Europe/Berlin");
      assertEquals(await storage.timezone("other"), null);
      assertEquals(await storage.claimTimezone("other", "UTC"), "UTC");
    },
  },
  {
    name: "claimTimezone() has one winner among many at once",
    async run({ open }) {
      const storage = await open();
      const zones = names("Zone/", 12);
      const stands = await Promise.all(zones.map((zone) => storage.claimTimezone(PREFIX, zone)));
      assertEquals(new Set(stands).size, 1);
      assertEquals(await storage.timezone(PREFIX), stands[0]);
    },
  },
  {
    name: "prune() removes whole buckets before a time, and leaves all else",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const other = new TestWriter(storage, { prefix: "other" });
      const old = [...bucket(-DAY), ...bucket(START), ...bucket(START + DAY)];
      const kept = [
        ...bucket(START + 2 * DAY),
        ...bucket(START + 3 * DAY),
        count("a", 1, { unit: "h", start: START }),
      ];
      await writer.flush([...old, ...kept]);
      await other.flush(old);
      await storage.claimTimezone(PREFIX, "UTC");
      await storage.acquireWriter(PREFIX, "writer", "writer-1", 60_000);
      const checkpoint = await storage.checkpoint(PREFIX, "writer");
      const range = { prefix: PREFIX, unit: "d" as const, before: START + 2 * DAY };
      const everyCell = await contents(storage);

      assertEquals(await storage.prune({ ...range, dryRun: true }), { buckets: 3, cells: 15 });
      assertEquals(await contents(storage), everyCell);
      assertEquals((await storage.versions(everything())).size, 5);

      assertEquals(await storage.prune(range), { buckets: 3, cells: 15 });
      assertEquals(await contents(storage), totals(kept));
      assertEquals(await contents(storage, "other"), totals(old));
      assertEquals(
        [...(await storage.versions(everything())).keys()].sort(),
        [START + 2 * DAY, START + 3 * DAY],
      );
      assertEquals(await storage.checkpoint(PREFIX, "writer"), checkpoint);
      assertEquals(await storage.timezone(PREFIX), "UTC");
      assertEquals(await storage.acquireWriter(PREFIX, "writer", "else", 1000), false);

      assertEquals(await storage.prune(range), { buckets: 0, cells: 0 });
      assertEquals(await storage.prune({ ...range, prefix: "none" }), { buckets: 0, cells: 0 });
    },
  },
  {
    name: "prune() removes more cells than one transaction does, and the writer goes on",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const cells: Cell[] = [];
      for (let day = 0; day < 25; day++) {
        const start = START + day * DAY;
        for (const field of names("f", 80)) {
          cells.push(count(field, 1, { start }), sum(field, 1_000_001n, { start }));
        }
      }
      await writer.flush(cells);
      const before = START + 24 * DAY;
      assertEquals(await storage.prune({ prefix: PREFIX, unit: "d", before }), {
        buckets: 24,
        cells: 24 * 160,
      });
      const kept = cells.filter((cell) => cell.start === before);
      assertEquals(await contents(storage), totals(kept));
      // Late events for a bucket that was pruned are counted, and found.
      await writer.flush([count("late", 1), count("late", 1, { metric: TOP })]);
      assertEquals((await readAll(storage, ADD)).length, 81);
      assertEquals((await readAll(storage, TOP)).length, 1);
    },
  },
  {
    name: "close() may come twice, and then everything says closed",
    async run({ options }) {
      const storage = await options.open();
      const writer = new TestWriter(storage);
      const [chunk] = writer.chunks([count("a", 1)]);
      const next = writer.chunk([count("a", 1)]);
      await storage.commit(chunk);
      await storage.close();
      await storage.close();
      const range = everything();
      const calls: Record<string, () => Promise<unknown>> = {
        commit: () => storage.commit(next),
        metrics: () => storage.metrics(range),
        read: () => readAll(storage, ADD),
        versions: () => storage.versions(range),
        checkpoint: () => storage.checkpoint(PREFIX, "writer"),
        acquireWriter: () => storage.acquireWriter(PREFIX, "writer", "i", 1000),
        releaseWriter: () => storage.releaseWriter(PREFIX, "writer", "i"),
        writers: () => storage.writers(PREFIX),
        removeWriter: () => storage.removeWriter(PREFIX, "writer"),
        timezone: () => storage.timezone(PREFIX),
        claimTimezone: () => storage.claimTimezone(PREFIX, "UTC"),
        prune: () => storage.prune({ prefix: PREFIX, unit: "d", before: 0 }),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await assertRejects(call, StorageError, undefined, name);
        assertEquals(error.code, "closed", name);
      }
    },
  },
  {
    name: "close() lets a commit that is under way end, one way or the other",
    async run({ options }) {
      const storage = await options.open();
      const chunk = new TestWriter(storage).chunk(names("f", 500).map((field) => count(field, 1)));
      const commit = storage.commit(chunk).then(
        ({ outcome }) => outcome as string,
        (error) => (error as StorageError).code,
      );
      await storage.close();
      const outcome = await commit;
      assertEquals(["applied", "closed"].includes(outcome), true, outcome);
    },
  },
  {
    name: "close() does not end what was committed",
    needs: "place",
    async run({ place }) {
      const home = await place();
      const cells = bucket(START);
      const first = await home.open();
      const writer = new TestWriter(first);
      await writer.flush(cells);
      await first.claimTimezone(PREFIX, "UTC");
      const version = (await first.versions(everything())).get(START);
      await first.close();

      const second = await home.open();
      assertEquals(await contents(second), totals(cells));
      assertEquals(await second.checkpoint(PREFIX, "writer"), writer.previous);
      assertEquals(await second.timezone(PREFIX), "UTC");
      assertEquals((await second.versions(everything())).get(START), version);
      writer.storage = second;
      await writer.flush(cells);
      assertEquals(await contents(second), totals([...cells, ...cells]));
      await second.close();
    },
  },
  {
    name: "commit() is seen at once by another that has the same place open",
    needs: "place",
    async run({ place }) {
      const home = await place();
      const both: Storage[] = [await home.open(), await home.open()];
      try {
        const writers = both.map((storage, i) => new TestWriter(storage, { writer: `w${i}` }));
        const all: Cell[] = [];
        for (let i = 0; i < 6; i++) {
          const cells = [...bucket(START), count(`only-${i}`, 1)];
          all.push(...cells);
          await writers[i % 2].flush(cells);
          assertEquals(await contents(both[(i + 1) % 2]), totals(all));
        }
        await Promise.all(writers.map(async (writer) => {
          for (let i = 0; i < 10; i++) {
            all.push(...bucket(START));
            await writer.flush(bucket(START));
          }
        }));
        for (const storage of both) assertEquals(await contents(storage), totals(all));
      } finally {
        for (const storage of both) await storage.close();
      }
    },
  },
];
