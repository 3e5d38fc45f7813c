import { assertEquals, assertRejects } from "@std/assert";
import { Calendar } from "../../src/engine/bucket.ts";
import { readSeries } from "../../src/engine/series.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Cell } from "../../src/storage/storage.ts";
import {
  ADD,
  count,
  DAY,
  PREFIX,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  TOP,
} from "../contract/kit.ts";

const CALENDAR = new Calendar("UTC");

function frame(days: number, from = START) {
  const buckets = CALENDAR.buckets("d", from, from + days * DAY - 1, 1000);
  return { prefix: PREFIX, unit: "d", buckets } as const;
}

async function stored(cells: readonly Cell[]): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await new TestWriter(storage).flush(cells);
  return storage;
}

const all = () => true;

Deno.test("readSeries() reads every accepted metric, sorted, bucket by bucket", async () => {
  const storage = await stored([
    count("x", 1, { metric: TOP }),
    count("x", 2),
    count("x", 3, { start: START + DAY }),
    sum("a", 5n),
    tally(1),
    sketch(["u", "v"]),
    count("before", 9, { start: START - DAY }),
    count("after", 9, { start: START + 2 * DAY }),
    count("hour", 9, { unit: "h" }),
  ]);
  const series = await readSeries(storage, frame(2), all, 100);
  assertEquals(series.map(({ metric }) => metric.type), ["bmp", "add", "adv", "top"]);
  assertEquals([...series[1].holdings], [
    [START, { kind: "count", fields: new Map([["x", 2]]) }],
    [START + DAY, { kind: "count", fields: new Map([["x", 3]]) }],
  ]);
  assertEquals([...series[2].holdings.values()], [
    { kind: "sum", fields: new Map([["a", 5n]]), count: 1 },
  ]);
  const some = await readSeries(storage, frame(2), ({ type }) => type === "top", 100);
  assertEquals(some.map(({ metric }) => metric), [TOP]);
});

Deno.test("readSeries() gives a stored bucket to the computed one that holds its start", async () => {
  // As another machine's zone data had them: starts within our days.
  const storage = await stored([
    count("x", 1),
    count("x", 2, { start: START + 3600 }),
    count("x", 4, { start: START + DAY - 1 }),
    count("x", 8, { start: START + DAY }),
  ]);
  const [{ holdings }] = await readSeries(storage, frame(2), all, 100);
  assertEquals([...holdings], [
    [START, { kind: "count", fields: new Map([["x", 7]]) }],
    [START + DAY, { kind: "count", fields: new Map([["x", 8]]) }],
  ]);
});

Deno.test("readSeries() refuses more cells than maxCells, over all metrics", async () => {
  const cells = [
    ...Array.from({ length: 6 }, (_, i) => count(`f${i}`, 1)),
    ...Array.from({ length: 4 }, (_, i) => count(`f${i}`, 1, { metric: TOP })),
  ];
  const storage = await stored(cells);
  await readSeries(storage, frame(1), all, 10);
  await assertRejects(
    () => readSeries(storage, frame(1), all, 9),
    RangeError,
    "Cannot query more than limits.maxResultCells = 9 cells: ask for a shorter range",
  );
  await readSeries(storage, frame(1), ({ type }) => type === ADD.type, 9);
});

Deno.test("readSeries() reads twenty metrics, each once and completely", async () => {
  const metrics = Array.from(
    { length: 20 },
    (_, i) => ({ type: "add", pattern: `p${String(i).padStart(2, "0")}` } as const),
  );
  const storage = await stored(
    metrics.flatMap((metric, i) =>
      Array.from({ length: 300 }, (_, k) => count(`f${k}`, i + 1, { metric }))
    ),
  );
  const series = await readSeries(storage, frame(1), all, 100_000);
  assertEquals(series.map(({ metric }) => metric), metrics);
  for (const [i, { holdings }] of series.entries()) {
    const holding = holdings.get(START);
    assertEquals(holding?.kind === "count" && [holding.fields.size, holding.fields.get("f299")], [
      300,
      i + 1,
    ]);
  }
});
