import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type { Cell, Storage } from "../../src/storage/storage.ts";
import { DAY, names, PREFIX, START, TestWriter } from "../contract/kit.ts";

/** Fields that other formats trip over. */
export const ODD_FIELDS: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "a\0b",
  "a\nb\r\u2028",
  '"\\',
  "👩‍👩‍👧 日本",
  "~other",
  "",
  " x ",
  "end",
  "x".repeat(1024),
];

/** A sketch of so many values. */
export function sketchOf(values: number): Uint8Array {
  const it = new HyperLogLog();
  for (let i = 0; i < values; i++) it.add(`value ${i}`);
  return it.toBytes();
}

/** Cells of all four types, days and hours, odd in every way. */
export function oddCells(): Cell[] {
  const cells: Cell[] = [];
  for (const [unit, start] of [["d", START], ["d", -DAY], ["h", START + 3600], ["d", 0]] as const) {
    const place = { unit, start };
    for (const [i, field] of ODD_FIELDS.entries()) {
      for (const type of ["add", "top"] as const) {
        cells.push({
          kind: "count",
          ...place,
          metric: { type, pattern: "event~geo" },
          field,
          count: i === 0 ? 2 ** 53 - 1 : i,
        });
      }
      cells.push({
        kind: "sum",
        ...place,
        metric: { type: "adv", pattern: "__proto__", addKey: "amount" },
        field,
        sum: [-20_500_000n, 0n, 1n, -1n, 2n ** 62n, 99_990_000n][i % 6],
      });
    }
    cells.push({
      kind: "tally",
      ...place,
      metric: { type: "adv", pattern: "__proto__", addKey: "amount" },
      count: 12,
    });
    for (const [pattern, values] of [["ip", 0], ["ip~user", 3], ["user", 30_000]] as const) {
      cells.push({
        kind: "sketch",
        ...place,
        metric: { type: "bmp", pattern },
        sketch: sketchOf(values),
      });
    }
  }
  return cells.map((cell) =>
    cell.kind === "count" && cell.count === 0 ? { ...cell, count: 1 } : cell
  );
}

/** `length` counts and sums in many days. */
export function manyCells(length: number): Cell[] {
  return names("f", length).map((field, i): Cell => {
    const place = { unit: i % 5 === 0 ? "h" : "d", start: START + (i % 40) * DAY } as const;
    if (i % 3 > 0) {
      const metric = { type: "add", pattern: `event~p${i % 7}` } as const;
      return { kind: "count", ...place, metric, field, count: i + 1 };
    }
    const metric = { type: "adv", pattern: "event", addKey: "amount" } as const;
    return { kind: "sum", ...place, metric, field, sum: BigInt(i) * 1_000_001n - 999n };
  });
}

/** Puts cells into a storage. */
export async function fill<T extends Storage>(
  storage: T,
  cells: readonly Cell[],
  prefix: string = PREFIX,
): Promise<T> {
  await storage.claimTimezone(prefix, "Europe/Berlin");
  await new TestWriter(storage, { prefix, writer: "filler" }).flush(cells);
  return storage;
}
