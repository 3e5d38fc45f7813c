import { assertEquals } from "@std/assert";
import { storedField } from "../../src/engine/field.ts";
import { PieceReader } from "../../src/transfer/redis_cells.ts";
import type { Finding, Piece } from "../../src/transfer/redis_layout.ts";
import type { Entry, RedisSource } from "../../src/transfer/redis_source.ts";
import { told } from "./_redis_writers.ts";

/** A Redis that repeats what it has given, as SCAN may while a table grows. */
function repeating(type: string, entries: readonly (readonly [string, string])[]): RedisSource {
  const bytes = entries.map(([name, value]): Entry => [new TextEncoder().encode(name), value]);
  async function* batches() {
    yield await Promise.resolve(bytes);
    yield bytes.toReversed();
  }
  return {
    type: () => Promise.resolve(type),
    fields: batches,
    scores: batches,
  } as unknown as RedisSource;
}

async function read(source: RedisSource, piece: Piece) {
  const findings: Finding[] = [];
  const cells = await new PieceReader(source, (finding) => findings.push(finding)).cells(piece);
  return { cells, findings: findings.map(told) };
}

const PLACE = { unit: "d", start: 0, values: "key" } as const;
const ADD: Piece = { ...PLACE, metric: { type: "add", pattern: "event" } };
const ADV: Piece = { ...PLACE, metric: { type: "adv", pattern: "event", addKey: "amount" } };

Deno.test("PieceReader takes each field once, however often SCAN gives it", async () => {
  const source = repeating("hash", [["b", "2"], ["a", "1"], ["wrong", "x"]]);
  const { cells, findings } = await read(source, ADD);
  assertEquals(
    cells.map((cell) => cell.kind === "count" ? [cell.field, cell.count] : cell),
    [["a", 1], ["b", 2]],
  );
  assertEquals(findings.length, 1);
  const sums = await read(repeating("hash", [["b", "2.5"], ["a", "-1"]]), ADV);
  assertEquals(
    sums.cells.map((cell) => cell.kind === "sum" ? [cell.field, cell.sum] : cell),
    [["a", -1_000_000n], ["b", 2_500_000n]],
  );
});

Deno.test("PieceReader cuts long fields as they are stored, and adds those that become one", async () => {
  const long = "x".repeat(2000);
  const cut = storedField(long);
  const { cells } = await read(repeating("hash", [[long, "2"], [cut, "3"]]), ADD);
  assertEquals(cells, [{
    kind: "count",
    unit: "d",
    start: 0,
    metric: ADD.metric,
    field: cut,
    count: 5,
  }]);
  const most = `${2 ** 53 - 1}`;
  const full = await read(repeating("hash", [[long, most], [cut, "1"]]), ADD);
  assertEquals(full.cells.map((cell) => "count" in cell && cell.count), [2 ** 53 - 1]);
  assertEquals(full.findings.length, 1);
  const sums = await read(repeating("hash", [[long, "2"], [cut, "-0.5"]]), ADV);
  assertEquals(sums.cells.map((cell) => "sum" in cell && cell.sum), [1_500_000n]);
});

Deno.test("PieceReader allows a total to differ by what rounding can make of it, and no more", async () => {
  const reader = async (sum: string) => {
    const source = {
      type: () => Promise.resolve("hash"),
      async *fields(key: string) {
        const entries = key === "totals" ? { sum, count: "3" } : { a: "0.1", b: "0.2" };
        yield await Promise.resolve(
          Object.entries(entries).map(([name, value]) => [new TextEncoder().encode(name), value]),
        );
      },
    } as unknown as RedisSource;
    return (await read(source, { ...ADV, totals: "totals" })).findings.map((line) =>
      line.slice(0, line.indexOf(" "))
    );
  };
  assertEquals(await reader("0.3"), []);
  assertEquals(await reader("0.300003"), []);
  assertEquals(await reader("0.299997"), []);
  assertEquals(await reader("0.300004"), ["differs"]);
  assertEquals(await reader("0.299996"), ["differs"]);
});
