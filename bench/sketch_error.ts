/**
 * Prints the table in the header of `src/sketch/hyperloglog.ts`: how far `count()` is off over many
 * sets of each size, and what a sketch of that size takes.
 *
 * deno run bench/sketch_error.ts
 */
import { HyperLogLog } from "../src/sketch/hyperloglog.ts";

const SIZES: [size: number, sets: number][] = [
  [1, 1000],
  [10, 1000],
  [100, 1000],
  [1_000, 1000],
  [10_000, 1000],
  [100_000, 200],
  [1_000_000, 100],
];

for (const [size, sets] of SIZES) {
  let [squares, worst, stored, memory] = [0, 0, 0, 0];
  for (let set = 0; set < sets; set++) {
    const sketch = new HyperLogLog();
    for (let i = 0; i < size; i++) sketch.add(`${set}:${i}`);
    const error = Math.abs(sketch.count() - size) / size;
    squares += error ** 2;
    worst = Math.max(worst, error);
    stored += sketch.toBytes().length / sets;
    memory += sketch.byteLength / sets;
  }
  const cells = [
    size.toLocaleString("en"),
    sets.toLocaleString("en"),
    percent(Math.sqrt(squares / sets)),
    percent(worst),
    Math.round(stored).toLocaleString("en"),
    Math.round(memory).toLocaleString("en"),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(2)} %`;
}
