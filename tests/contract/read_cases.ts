/** @module The contract's cases about reading. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Cell, Metric } from "../../src/storage/storage.ts";
import {
  ADD,
  ADV,
  BMP,
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

const HOUR = 3600;

/** @see {@linkcode Case} */
export const READ_CASES: readonly Case[] = [
  {
    name: "read() yields nothing where there is nothing",
    async run({ open }) {
      const storage = await open();
      for (const metric of [ADD, TOP, ADV, BMP]) {
        assertEquals(await readAll(storage, metric), []);
      }
      await new TestWriter(storage).flush([count("a", 1), sum("a", 1n), sketch(["x"])]);
      const range = { prefix: PREFIX, unit: "d" as const };
      for (const metric of [ADD, ADV, BMP]) {
        const none = [
          { ...range, from: START + 1, to: START + DAY },
          { ...range, from: START - DAY, to: START - 1 },
          { ...range, from: START + 1, to: START - 1 }, // the wrong way round
          { ...range, unit: "h" as const, from: START, to: START },
          { prefix: "other", unit: "d" as const, from: START, to: START },
        ];
        for (const it of none) assertEquals(await readAll(storage, metric, it), []);
        assertEquals(
          (await readAll(storage, metric, { ...range, from: START, to: START })).length,
          1,
        );
      }
      assertEquals(await readAll(storage, { type: "add", pattern: "unknown" }), []);
    },
  },
  {
    name: "read() includes both ends of the range, and no more",
    async run({ open }) {
      const storage = await open();
      const starts = [-2 * DAY, -DAY, 0, DAY, 2 * DAY];
      await new TestWriter(storage).flush(
        starts.flatMap((start) => [
          count("a", 1, { start }),
          sum("a", 1n, { start }),
          tally(1, { start }),
          sketch(["x"], { start }),
        ]),
      );
      for (const metric of [ADD, ADV, BMP]) {
        for (let i = 0; i < starts.length; i++) {
          for (let j = i; j < starts.length; j++) {
            const range = { prefix: PREFIX, unit: "d" as const, from: starts[i], to: starts[j] };
            const found = (await readAll(storage, metric, range)).map((cell) => cell.start);
            assertEquals([...new Set(found)], starts.slice(i, j + 1));
          }
        }
      }
    },
  },
  {
    name: "read() never yields a neighbour",
    async run({ open }) {
      const storage = await open();
      const patterns = ["a", "a~b", "a~b~c", "ab", "a\0", "b", "amount:a"];
      const metrics: Metric[] = [
        ...patterns.map((pattern): Metric => ({ type: "add", pattern })),
        ...patterns.map((pattern): Metric => ({ type: "top", pattern })),
        ...patterns.slice(0, 5).flatMap((pattern): Metric[] => [
          { type: "adv", pattern, addKey: "amount" },
          { type: "adv", pattern, addKey: "amoun" },
          { type: "adv", pattern, addKey: "amount2" },
        ]),
        ...patterns.map((pattern): Metric => ({ type: "bmp", pattern })),
      ];
      let n = 0;
      const wanted = new Map<string, Cell>();
      for (const prefix of ["p", "p2", "p~"]) {
        const cells: Cell[] = [];
        for (const unit of ["d", "h"] as const) {
          for (const metric of metrics) {
            n++;
            const at = { metric, unit };
            const cell = metric.type === "bmp"
              ? sketch(names("u", n), at)
              : metric.type === "adv"
              ? sum("f", BigInt(n) * 10n ** 5n, at)
              : count("f", n, at);
            cells.push(cell);
            wanted.set(JSON.stringify([prefix, unit, metric]), cell);
          }
        }
        await new TestWriter(storage, { prefix }).flush(cells);
      }
      for (const prefix of ["p", "p2", "p~"]) {
        for (const unit of ["d", "h"] as const) {
          for (const metric of metrics) {
            const found = await readAll(storage, metric, everything(prefix, unit));
            const cell = wanted.get(JSON.stringify([prefix, unit, metric]))!;
            assertEquals(totals(found), totals([cell]));
          }
        }
      }
    },
  },
  {
    name: "read() yields each of 1,501 fields of a bucket once",
    async run({ open }) {
      const storage = await open();
      const fields = names("field-", 1501);
      const cells = [
        ...fields.map((field, i) => count(field, i + 1)),
        ...fields.map((field, i) => sum(field, BigInt(i) * 1_000_001n)),
        ...fields.map((field, i) => count(field, i + 1, { start: START + DAY })),
        tally(1501),
      ];
      await new TestWriter(storage).flush(cells);
      assertEquals(totals(await readAll(storage, ADD)), totals(cells.filter(of(ADD))));
      assertEquals(totals(await readAll(storage, ADV)), totals(cells.filter(of(ADV))));
    },
  },
  {
    name: "read() yields 365 days in order",
    async run({ open }) {
      const storage = await open();
      const cells: Cell[] = [];
      for (let day = 0; day < 365; day++) {
        const start = START + day * DAY;
        for (const field of names("f", 4)) {
          cells.push(
            count(field, day + 1, { start }),
            sum(field, BigInt(-day) * 500_000n, { start }),
          );
        }
        cells.push(tally(day + 1, { start }));
      }
      await new TestWriter(storage).flush(cells);
      const year = { prefix: PREFIX, unit: "d" as const, from: START, to: START + 364 * DAY };
      assertEquals(totals(await readAll(storage, ADD, year)), totals(cells.filter(of(ADD))));
      assertEquals(totals(await readAll(storage, ADV, year)), totals(cells.filter(of(ADV))));
      const week = { ...year, from: START + 100 * DAY, to: START + 106 * DAY };
      assertEquals((await readAll(storage, ADD, week)).length, 7 * 4);
    },
  },
  {
    name: "read() can be left early, and read again",
    async run({ open }) {
      const storage = await open();
      const cells = names("f", 1200).map((field) => count(field, 1));
      await new TestWriter(storage).flush(cells);
      for await (const batch of storage.read(ADD, everything())) {
        assert(batch.length > 0);
        break;
      }
      assertEquals((await readAll(storage, ADD)).length, 1200);
    },
  },
  {
    name: "read() sees whole and fraction of one sum from the same moment",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      // Each commit adds 0.75 to all of them, so a sum is always a multiple of that.
      const cells = names("f", 700).map((field) => sum(field, 750_000n));
      await writer.flush(cells);
      let writing = true;
      const write = (async () => {
        for (let i = 0; i < 12; i++) await writer.flush(cells);
        writing = false;
      })();
      while (writing) {
        for (const cell of await readAll(storage, ADV)) {
          assert(cell.kind === "sum");
          assertEquals(cell.sum % 750_000n, 0n, `${cell.sum} millionths of ${cell.field}`);
        }
      }
      await write;
    },
  },
  {
    name: "metrics() lists what has cells in the prefix and unit",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      assertEquals(await storage.metrics(everything()), []);
      await writer.flush([count("a", 1), count("a", 1, { metric: TOP })]);
      await writer.flush([
        sum("a", 1n),
        tally(1),
        sum("a", 1n, { metric: { ...ADV, addKey: "b" } }),
      ]);
      await writer.flush([sketch(["x"]), count("a", 1)]);
      await writer.flush([count("a", 1, { unit: "h" })]);
      await new TestWriter(storage, { prefix: "other" }).flush([count("a", 1, { metric: TOP })]);
      const listed = async (prefix: string, unit: "d" | "h") =>
        new Set(await storage.metrics(everything(prefix, unit)));
      assertEquals(
        await listed(PREFIX, "d"),
        new Set([ADD, TOP, ADV, { ...ADV, addKey: "b" }, BMP]),
      );
      assertEquals(await listed(PREFIX, "h"), new Set([ADD]));
      assertEquals(await listed("other", "d"), new Set([TOP]));
      assertEquals(await listed("other", "h"), new Set<Metric>());
      const all = await storage.metrics(everything());
      assertEquals(all.length, 5, "each once");
    },
  },
  {
    name: "versions() grow with each commit that touches a bucket, and only there",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      assertEquals(await storage.versions(everything()), new Map());
      await writer.flush([
        count("a", 1, { start: -DAY }),
        count("a", 1),
        sum("a", 1n, { start: START + DAY }),
        sketch(["x"], { start: START + 2 * DAY }),
        count("a", 1, { unit: "h", start: START + HOUR }),
      ]);
      const before = await storage.versions(everything());
      assertEquals([...before.keys()].sort((a, b) => a - b), [
        -DAY,
        START,
        START + DAY,
        START + 2 * DAY,
      ]);
      await writer.flush([count("b", 1), sketch(["y"], { start: START + 2 * DAY })]);
      const after = await storage.versions(everything());
      assertGreater(after.get(START)!, before.get(START)!);
      assertGreater(after.get(START + 2 * DAY)!, before.get(START + 2 * DAY)!);
      assertEquals(after.get(START + DAY), before.get(START + DAY));
      assertEquals(after.get(-DAY), before.get(-DAY));
      const range = { prefix: PREFIX, unit: "d" as const, from: START, to: START + DAY };
      assertEquals([...(await storage.versions(range)).keys()].sort(), [START, START + DAY]);
      assertEquals(await storage.versions({ ...range, from: START + 1, to: START }), new Map());
      assertEquals(
        [...(await storage.versions(everything(PREFIX, "h"))).keys()],
        [START + HOUR],
      );
    },
  },
  {
    name: "versions() never give an old number to a bucket that was pruned and comes back",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      await writer.flush([count("a", 1)]);
      const old = (await storage.versions(everything())).get(START)!;
      await storage.prune({ prefix: PREFIX, unit: "d", before: START + 1 });
      assertEquals(await storage.versions(everything()), new Map());
      await writer.flush([count("b", 1)]);
      assertGreater((await storage.versions(everything())).get(START)!, old);
    },
  },
];

function of(metric: Metric): (cell: Cell) => boolean {
  return (cell) => cell.metric === metric;
}
