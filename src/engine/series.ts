/**
 * Reads what a query asks for out of storage: cells become holdings, by metric and bucket.
 *
 * @module
 */
import type { BucketRange, Metric, Storage, Unit } from "../storage/storage.ts";
import type { Bucket } from "./bucket.ts";
import { addCell, emptyHolding, type Holding } from "./holding.ts";
import { compareMetrics, type Series } from "./result.ts";

/** Metrics that are read at the same time. */
const CONCURRENCY = 8;

/** The range that is read; `buckets` are not empty, contiguous and in order. */
export interface SeriesFrame {
  readonly prefix: string;
  readonly unit: Unit;
  readonly buckets: readonly Bucket[];
}

/**
 * Reads every accepted metric over the range.
 *
 * @throws {RangeError} if there are more than `maxCells` cells
 */
export async function readSeries(
  storage: Storage,
  frame: SeriesFrame,
  accepts: (metric: Metric) => boolean,
  maxCells: number,
): Promise<Series[]> {
  const { prefix, unit, buckets } = frame;
  // A stored bucket belongs to the computed one that holds its start, whatever its own bounds were.
  const range = { prefix, unit, from: buckets[0].start, to: buckets[buckets.length - 1].end - 1 };
  const metrics = (await storage.metrics(range)).filter(accepts).sort(compareMetrics);
  const series: Series[] = new Array(metrics.length);
  const budget = { left: maxCells, maxCells };
  let next = 0;
  const work = async () => {
    while (next < metrics.length) {
      const index = next++;
      series[index] = await readOne(storage, metrics[index], range, buckets, budget);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, metrics.length) }, work));
  return series;
}

async function readOne(
  storage: Storage,
  metric: Metric,
  range: BucketRange,
  buckets: readonly Bucket[],
  budget: { left: number; readonly maxCells: number },
): Promise<Series> {
  const holdings = new Map<number, Holding>();
  let index = 0;
  let holding: Holding | undefined;
  for await (const cells of storage.read(metric, range)) {
    budget.left -= cells.length;
    if (budget.left < 0) {
      throw new RangeError(
        `Cannot query more than limits.maxResultCells = ${budget.maxCells} cells: ask for a shorter ` +
          `range, or for fewer metrics with accept and ignore`,
      );
    }
    for (const cell of cells) {
      while (cell.start >= buckets[index].end) {
        index++;
        holding = undefined;
      }
      if (holding === undefined) {
        const { start } = buckets[index];
        holding = holdings.get(start) ?? emptyHolding(metric.type);
        holdings.set(start, holding);
      }
      addCell(holding, cell);
    }
  }
  return { metric, holdings };
}
