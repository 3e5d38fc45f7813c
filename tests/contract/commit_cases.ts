/** @module The contract's cases about what a commit adds up. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { StorageError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Cell, Metric } from "../../src/storage/storage.ts";
import {
  ADD,
  ADV,
  BMP,
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

/** Every printable ASCII character, and what separates, ends or hides things in some storage. */
const AWKWARD_FIELDS = [
  Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join(""),
  ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
  "\0",
  "a\0",
  "a\0b",
  "a\u0001",
  "\n",
  "\r\n",
  "\t",
  "\u007f",
  "\u0085",
  "\u2028",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "é",
  "e\u0301", // another field than é: nothing is normalised
  "日本",
  "😀",
  "👩‍👩‍👧",
  "~",
  "~other",
  "a~b",
  "a:b",
  "{a}",
  "a*",
  "[a]",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "true",
  "null",
  "0",
  "1",
  "-1",
  "i",
  ":i",
  "x".repeat(1024),
];

const LIMIT = 2n ** 53n * 1_000_000n;

/** @see {@linkcode Case} */
export const COMMIT_CASES: readonly Case[] = [
  {
    name: "split() gives each cell once, in lists that are not empty, and the same ones again",
    async run({ open }) {
      const storage = await open();
      const cells = [
        ...names("f", 2500).map((field) => count(field, 1)),
        ...names("f", 700).map((field, i) => sum(field, BigInt(i) * 300_001n)),
        ...names("u", 25).map((user, i) => sketch([user], { start: START + i * DAY })),
        tally(3),
      ];
      const lists = storage.split(PREFIX, cells);
      assert(lists.every((list) => list.length > 0));
      assertEquals(new Set(lists.flat()), new Set(cells));
      assertEquals(lists.flat().length, cells.length);
      assertEquals(storage.split(PREFIX, cells), lists);
      assertEquals(cells.length, 3226, "what was given is as it was");
    },
  },
  {
    name: "split() gives nothing for nothing",
    async run({ open }) {
      assertEquals((await open()).split(PREFIX, []), []);
    },
  },
  {
    name: "commit() stores every kind of cell",
    async run({ open }) {
      const storage = await open();
      const cells = [
        count("signup", 3),
        count("US", 2, { metric: TOP }),
        sum("buy~US", 12_345_678n),
        tally(4),
        sketch(["ann", "bob"]),
        count("signup", 1, { unit: "h" }),
      ];
      const reports = await new TestWriter(storage).flush(cells);
      for (const report of reports) assertEquals([report.outcome, report.refused], ["applied", []]);
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() adds to what is there",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const first = [count("a", 1), sum("a", 999_999n), tally(1), sketch(["x"])];
      const second = [count("a", 41), sum("a", 1n), tally(2), sketch(["y"]), count("b", 5)];
      await writer.flush(first);
      await writer.flush(second);
      assertEquals(await contents(storage), totals([...first, ...second]));
    },
  },
  {
    name: "commit() carries 10,000 cells of a flush",
    async run({ open }) {
      const storage = await open();
      const cells = [
        ...names("field-", 8000).map((field, i) => count(field, i + 1)),
        ...names("field-", 2000).map((field, i) => sum(field, BigInt(i) * -1_000_001n - 1n)),
      ];
      await new TestWriter(storage).flush(cells);
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() keeps fields of any characters apart",
    async run({ open }) {
      const storage = await open();
      const cells = AWKWARD_FIELDS.flatMap((field, i) => [
        count(field, i + 1),
        count(field, i + 1, { metric: TOP }),
        sum(field, BigInt(i) * 1_000_000n + 1n),
      ]);
      await new TestWriter(storage).flush([...cells, tally(1)]);
      assertEquals(await contents(storage), totals([...cells, tally(1)]));
    },
  },
  {
    name: "commit() keeps prefixes and patterns of any characters apart",
    async run({ open }) {
      const storage = await open();
      const patterns = ["a", "a~b", "a~b~c", "ab", "b", "__proto__", "a b", "ü", "1"];
      const metrics: Metric[] = patterns.flatMap((pattern) => [
        { type: "add", pattern },
        { type: "top", pattern },
        { type: "adv", pattern, addKey: "a" },
        { type: "adv", pattern, addKey: "ab" },
        { type: "bmp", pattern },
      ]);
      const prefixes = ["p", "p2", "p~2", "p 2", "pp", "__proto__", "v", "k", "cp"];
      let n = 0;
      const wanted = new Map<string, Cell[]>();
      for (const prefix of prefixes) {
        const cells = metrics.map((metric) => {
          n++;
          if (metric.type === "bmp") return sketch(names("u", n % 7), { metric });
          return metric.type === "adv"
            ? sum("f", BigInt(n) * 1_100_000n, { metric })
            : count("f", n, { metric });
        });
        wanted.set(prefix, cells);
        await new TestWriter(storage, { prefix }).flush(cells);
      }
      for (const [prefix, cells] of wanted) {
        assertEquals(await contents(storage, prefix), totals(cells), prefix);
      }
    },
  },
  {
    name: "commit() sums negative numbers and fractions exactly",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const flushes: Cell[][] = [
        [sum("refund", -500_000_000n), sum("third", 333_333n), sum("zero", 0n), sum("down", 1n)],
        [sum("refund", 200_000_000n), sum("third", 666_667n), sum("back", 5n), sum("down", -2n)],
        [sum("refund", -1n), sum("tiny", -1n), sum("back", -5n), sum("half", -1_500_000n)],
        [sum("half", 500_000n), sum("half", 999_999n), tally(9)],
      ];
      for (const cells of flushes) await writer.flush(cells);
      assertEquals(await contents(storage), totals(flushes.flat()));
      const found = await readAll(storage, ADV);
      const byField = new Map(
        found.flatMap((cell) => cell.kind === "sum" ? [[cell.field, cell.sum]] : []),
      );
      assertEquals(byField.get("refund"), -300_000_001n);
      assertEquals(byField.get("zero"), 0n, "a sum of nothing is there");
      assertEquals(byField.get("back"), 0n, "so is one that came back to nothing");
      assertEquals(byField.get("down"), -1n);
    },
  },
  {
    name: "commit() sums exactly across ±2^53 whole units",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const flushes: Cell[][] = [
        [sum("up", LIMIT - 1n), sum("down", 1n - LIMIT), sum("cross", LIMIT)],
        [sum("up", 1n), sum("down", -1n), sum("cross", -LIMIT)],
        [sum("up", LIMIT), sum("down", -LIMIT), sum("cross", -LIMIT)],
        [sum("up", 3n), sum("down", -3n), sum("cross", 7n)],
      ];
      for (const cells of flushes) await writer.flush(cells);
      assertEquals(await contents(storage), totals(flushes.flat()));
    },
  },
  {
    name: "commit() lets two writers commit at once",
    async run({ open }) {
      const storage = await open();
      const cells = [
        ...names("f", 300).map((field) => count(field, 2)),
        ...names("f", 100).map((field) => sum(field, -1_500_000n)),
        sketch(["x", "y"]),
        tally(7),
      ];
      const writers = ["one", "two"].map((writer) => new TestWriter(storage, { writer }));
      await Promise.all(writers.map((writer) => writer.flush(cells)));
      assertEquals(await contents(storage), totals([...cells, ...cells]));
    },
  },
  {
    name: "commit() loses none of many increments at once",
    async run({ open }) {
      const storage = await open();
      const all: Cell[] = [];
      await Promise.all(
        names("w", 8).map(async (writer) => {
          const it = new TestWriter(storage, { writer });
          for (let i = 0; i < 20; i++) {
            const cells = [count("hot", 1), sum("hot", 1_000_001n), count(`${writer}-${i}`, 1)];
            all.push(...cells);
            await it.flush(cells);
          }
        }),
      );
      assertEquals(await contents(storage), totals(all));
    },
  },
  {
    name: "commit() merges sketches, also of many writers at once",
    async run({ open }) {
      const storage = await open();
      const all: Cell[] = [];
      await Promise.all(
        names("w", 6).map(async (writer, w) => {
          const it = new TestWriter(storage, { writer });
          for (let i = 0; i < 4; i++) {
            const cells = names("user-", 3).map((user, bucket) =>
              sketch(names(`${user}-${w % 3}-${i}-`, 40), { start: START + bucket * DAY })
            );
            all.push(...cells);
            await it.flush(cells);
          }
        }),
      );
      assertEquals(await contents(storage), totals(all));
    },
  },
  {
    name: "commit() carries more sketches than a transaction does, small and large",
    async run({ open }) {
      const storage = await open();
      const cells = names("b", 31).map((name, i) =>
        sketch(names(name, i % 5 === 0 ? 6000 : i), { start: START + i * DAY })
      );
      const writer = new TestWriter(storage);
      await writer.flush(cells);
      await writer.flush(cells);
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() takes a chunk that another storage cut, and counts it once",
    async run({ open }) {
      const storage = await open();
      const cells: Cell[] = [];
      for (let i = 0; i < 1500; i++) {
        cells.push(count(`field-${i}`, i + 1), sum(`field-${i}`, BigInt(i) * 1_000_003n));
        if (i % 60 === 0) cells.push(sketch([`u${i}`], { start: START + i * DAY }));
      }
      const chunk = new TestWriter(storage).chunk(cells);
      assertEquals((await storage.commit(chunk)).outcome, "applied");
      assertEquals((await storage.commit(chunk)).outcome, "skipped");
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() takes a chunk without cells, and one that names a cell twice",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const empty = writer.chunk([]);
      assertEquals((await storage.commit(empty)).outcome, "applied");
      assertEquals(await storage.checkpoint(PREFIX, "writer"), empty.checkpoint);
      const cells = [
        count("a", 1),
        count("a", 2),
        sum("a", 1n),
        sum("a", -3n),
        tally(1),
        tally(1),
        sketch(["x"]),
        sketch(["y"]),
      ];
      await storage.commit(writer.chunk(cells));
      assertEquals(await contents(storage), totals(cells));
    },
  },
  {
    name: "commit() takes late buckets, before and between those it has",
    async run({ open }) {
      const storage = await open();
      const writer = new TestWriter(storage);
      const starts = [START, START - 400 * DAY, START + DAY, START - DAY, 0, -DAY];
      const all = starts.flatMap((start) => [
        count("a", 1, { start }),
        sum("a", 5n, { start }),
        sketch(["x"], { start }),
      ]);
      for (let i = 0; i < all.length; i += 3) await writer.flush(all.slice(i, i + 3));
      assertEquals(await contents(storage), totals(all));
      const found = await readAll(storage, ADD);
      assertEquals(found.map((cell) => cell.start), starts.toSorted((a, b) => a - b));
    },
  },
  {
    name: "commit() refuses what is no cell, and applies the others",
    async run({ open }) {
      const storage = await open();
      const good = [count("a", 1), sum("a", 1n), sketch(["x"])];
      const bad: Cell[] = [
        count("b", 1.5),
        count("b", 0),
        count("b", -1),
        count("b", NaN),
        count("b", 2 ** 53),
        count("b", 1, { start: 0.5 }),
        count("b", 1, { start: Infinity }),
        count("b", 1, { metric: BMP }),
        sum("b", 1n, { metric: ADD }),
        { kind: "sketch", metric: BMP, unit: "d", start: START, sketch: new Uint8Array(20) },
      ];
      const chunk = new TestWriter(storage).chunk([...bad.slice(0, 5), ...good, ...bad.slice(5)]);
      const report = await storage.commit(chunk);
      assertEquals(report.outcome, "applied");
      assertEquals(new Set(report.refused.map(({ cell }) => cell)), new Set(bad));
      for (const { error } of report.refused) {
        assertInstanceOf(error, StorageError);
        assertEquals(error.code, "refused");
      }
      assertEquals(await contents(storage), totals(good));
    },
  },
  {
    name: "commit() adds up random cells in random flushes as the reference does",
    async run({ options }) {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(randomCell(), { maxLength: 40 }), { maxLength: 4 }),
          check,
        ),
        { numRuns: 25 },
      );
      async function check(flushes: Cell[][]): Promise<void> {
        const storage = await options.open();
        const reference = new MemoryStorage();
        try {
          const writer = new TestWriter(storage);
          const other = new TestWriter(reference);
          for (const cells of flushes) {
            await writer.flush(cells);
            await other.flush(cells);
          }
          const wanted = totals(flushes.flat());
          assertEquals(await contents(reference), wanted);
          assertEquals(await contents(storage), wanted);
          for (const unit of ["d", "h"] as const) {
            const range = everything(PREFIX, unit);
            assertEquals(
              [...(await storage.versions(range)).keys()].sort(),
              [...(await reference.versions(range)).keys()].sort(),
            );
          }
        } finally {
          await storage.close();
        }
      }
    },
  },
];

function randomCell(): fc.Arbitrary<Cell> {
  const at = {
    unit: fc.constantFrom("d" as const, "h" as const),
    start: fc.constantFrom(-DAY, 0, START, START + DAY),
  };
  // Well-formed text: the engine sees to that. Few short ones, so that many cells meet.
  const field = fc.oneof(
    fc.constantFrom("a", "b", "a~b", "~other"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
  );
  const millionths = fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n });
  return fc.oneof(
    fc.record({
      kind: fc.constant("count" as const),
      metric: fc.constantFrom(ADD, TOP, { type: "add" as const, pattern: "event~geo" }),
      field,
      count: fc.integer({ min: 1, max: 2 ** 31 }),
      ...at,
    }),
    fc.record({
      kind: fc.constant("sum" as const),
      metric: fc.constantFrom(ADV, { ...ADV, addKey: "price" }),
      field,
      sum: fc.oneof(millionths, millionths.map((it) => it * 1_000_000n)),
      ...at,
    }),
    fc.record({
      kind: fc.constant("tally" as const),
      metric: fc.constant(ADV),
      count: fc.integer({ min: 1, max: 1000 }),
      ...at,
    }),
    fc.record({ values: fc.array(fc.string(), { maxLength: 5 }), ...at })
      .map(({ values, ...where }) => sketch(values, where)),
  );
}
