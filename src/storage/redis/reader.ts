/**
 * Reading the cells of one metric, several buckets at once, a large one in pieces.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import type { BucketRange, Cell, CellPlace, Metric } from "../storage.ts";
import { BUCKETS_AT_ONCE, startsIn } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { microsOf } from "./decimal.ts";
import { metricKey, summaryKey } from "./keys.ts";

/** Cells of small buckets that are asked for at once, and a batch of what is yielded. */
const CELLS_AT_ONCE = 5_000;
/** A hash or sorted set above this is read by a cursor: its server must not wait for one of us. */
const MAX_WHOLE = 10_000;
/** Entries that a cursor gives about at once. */
const SCAN_COUNT = 1_000;
/** How often a bucket is read again of which a cursor left something out. */
const MAX_ROUNDS = 5;

const SIZE = { add: "HLEN", adv: "HLEN", top: "ZCARD", bmp: "EXISTS" } as const;

interface Sized extends CellPlace {
  readonly key: string;
  readonly size: number;
}

/** Yields the cells of a metric in a range in batches, with ascending start. */
export async function* readCells(
  connection: Connection,
  metric: Metric,
  range: BucketRange,
): AsyncIterable<readonly Cell[]> {
  const { prefix, unit } = range;
  const starts = await startsIn(connection, range);
  for (let i = 0; i < starts.length; i += BUCKETS_AT_ONCE) {
    const buckets = await Promise.all(
      starts.slice(i, i + BUCKETS_AT_ONCE).map(async (start): Promise<Sized> => {
        const place = { metric, unit, start };
        const key = metricKey(prefix, place);
        const size = await connection.command("read sizes", SIZE[metric.type], key);
        return { ...place, key, size: Number(size) };
      }),
    );
    for (let from = 0; from < buckets.length;) {
      connection.assertOpen();
      if (buckets[from].size > MAX_WHOLE) {
        yield* scanned(connection, buckets[from++]);
        continue;
      }
      let to = from;
      for (let cells = 0; to < buckets.length; to++) {
        const { size } = buckets[to];
        if (size > MAX_WHOLE || (to > from && cells + size > CELLS_AT_ONCE)) break;
        cells += size;
      }
      const some = buckets.slice(from, to);
      from = to;
      const batch = (await Promise.all(some.map((bucket) => whole(connection, bucket)))).flat();
      if (batch.length > 0) yield batch;
    }
  }
}

/** All cells of a small bucket. */
async function whole(connection: Connection, bucket: Sized): Promise<Cell[]> {
  const { metric, key, size } = bucket;
  if (metric.type === "bmp") return size === 0 ? [] : await sketchAt(connection, bucket);
  const flat = size === 0
    ? []
    : metric.type === "top"
    ? await connection.command("read cells", "ZRANGE", key, "0", "-1", "WITHSCORES")
    : await connection.command("read cells", "HGETALL", key);
  const cells = cellsOf(bucket, flat as string[]);
  return metric.type === "adv" ? [...cells, ...await tallyAt(connection, bucket)] : cells;
}

/**
 * A large bucket by a cursor, which may give a field twice. The cursor of one server means nothing to
 * another: where a replica took over meanwhile, or the slot moved, fields are missing, and it is read
 * again.
 */
async function* scanned(connection: Connection, bucket: Sized): AsyncIterable<readonly Cell[]> {
  const { metric, key } = bucket;
  const seen = new Set<string>();
  for (let round = 0;; round++) {
    yield* scannedOnce(connection, bucket, seen);
    const size = Number(await connection.command("read sizes", SIZE[metric.type], key));
    // Fewer than before only if it was pruned.
    if (seen.size >= Math.min(size, bucket.size)) break;
    if (round === MAX_ROUNDS) {
      throw new StorageError(
        "unavailable",
        `Cannot read ${
          JSON.stringify(key)
        } in Redis at ${connection.where}: it keeps moving from ` +
          "server to server; try again",
      );
    }
  }
  if (metric.type !== "adv") return;
  const tally = await tallyAt(connection, bucket);
  if (tally.length > 0) yield tally;
}

/** @param seen fields that were given before, and are not given again */
async function* scannedOnce(
  connection: Connection,
  bucket: Sized,
  seen: Set<string>,
): AsyncIterable<readonly Cell[]> {
  const { metric, key } = bucket;
  let cursor = "0";
  do {
    connection.assertOpen();
    const scan = metric.type === "top" ? "ZSCAN" : "HSCAN";
    const reply = await connection.command("read cells", scan, key, cursor, "COUNT", SCAN_COUNT);
    const [next, flat] = reply as [string, string[]];
    cursor = next;
    const batch = cellsOf(bucket, flat).filter((cell) => {
      if (!("field" in cell) || seen.has(cell.field)) return false;
      seen.add(cell.field);
      return true;
    });
    if (batch.length > 0) yield batch;
  } while (cursor !== "0");
}

async function sketchAt(connection: Connection, place: Sized): Promise<Cell[]> {
  const { metric, unit, start, key } = place;
  const bytes = await connection.patiently(
    "read a sketch",
    () => connection.client.callBuffer("GET", key),
  );
  if (bytes === null) return []; // pruned meanwhile
  return [{ kind: "sketch", metric, unit, start, sketch: new Uint8Array(bytes as Uint8Array) }];
}

async function tallyAt(connection: Connection, place: Sized): Promise<Cell[]> {
  const { metric, unit, start } = place;
  const key = summaryKey(place.key);
  const count = await connection.command("read a tally", "HGET", key, "count");
  if (count === null) return [];
  return [{ kind: "tally", metric, unit, start, count: countOf(key, "count", count as string) }];
}

/** Cells from a list of fields and values in turn. */
function cellsOf({ metric, unit, start, key }: Sized, flat: readonly string[]): Cell[] {
  const cells: Cell[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const field = flat[i];
    if (metric.type !== "adv") {
      cells.push({
        kind: "count",
        metric,
        unit,
        start,
        field,
        count: countOf(key, field, flat[i + 1]),
      });
      continue;
    }
    const sum = microsOf(flat[i + 1]);
    if (sum === undefined) throw foreignValue(key, field, "a decimal", flat[i + 1]);
    cells.push({ kind: "sum", metric, unit, start, field, sum });
  }
  return cells;
}

/** Scores come as doubles do: `17`, `1e+17`. */
function countOf(key: string, field: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && text !== "") return count;
  throw foreignValue(key, field, "a whole number", text);
}

function foreignValue(key: string, field: string, wanted: string, received: string): StorageError {
  return new StorageError(
    "refused",
    `Cannot read ${JSON.stringify(field)} at ${JSON.stringify(key)} in Redis: wanted ${wanted}, ` +
      `received ${JSON.stringify(received.slice(0, 80))}; was it written by another program?`,
  );
}
