/**
 * Reading the cells of one metric: one ordered list, in which the parts of a sum stand together.
 *
 * @module
 */
import type { BucketRange, Cell, Metric } from "../storage.ts";
import type { Connection } from "./connection.ts";
import {
  foreignValue,
  MILLIONTHS_PART,
  MILLIONTHS_PER_UNIT,
  seriesKey,
  signed,
  TALLY_PART,
  u64Of,
} from "./keys.ts";
import { LIST_BATCH } from "./limits.ts";

/** Parts of a key before its field. */
const START_AT = 4;
const FIELD_AT = 5;

/** A cell of an `adv` metric while its parts come in. */
interface OpenSum {
  readonly start: number;
  readonly field: string;
  readonly whole: Deno.KvEntryMaybe<unknown>;
  millionths: Deno.KvEntryMaybe<unknown> | null;
}

/** Yields the cells of a metric in a range in batches, with ascending start. */
export async function* readCells(
  connection: Connection,
  metric: Metric,
  range: BucketRange,
): AsyncIterable<readonly Cell[]> {
  const first = Math.ceil(range.from);
  const last = Math.floor(range.to);
  if (!(first <= last)) return;
  const series = seriesKey(range.prefix, range.unit, metric);
  const entries = connection.list(`read ${metric.type} cells`, {
    start: [...series, first + 0],
    end: [...series, last + 1],
  });
  const cells = metric.type === "adv"
    ? sums(connection, metric, range, entries)
    : simpleCells(metric, range, entries);
  let batch: Cell[] = [];
  for await (const cell of cells) {
    batch.push(cell);
    if (batch.length < LIST_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function* simpleCells(
  metric: Metric,
  { unit }: BucketRange,
  entries: AsyncIterable<Deno.KvEntry<unknown>>,
): AsyncIterable<Cell> {
  for await (const entry of entries) {
    const start = startOf(entry);
    if (metric.type === "bmp") {
      if (entry.key.length !== FIELD_AT || !(entry.value instanceof Uint8Array)) {
        throw foreignValue(entry.key, "a sketch");
      }
      yield { kind: "sketch", metric, unit, start, sketch: entry.value };
      continue;
    }
    const field = entry.key[FIELD_AT];
    if (entry.key.length !== FIELD_AT + 1 || typeof field !== "string") {
      throw foreignValue(entry.key, "a counter, whose key ends in a field");
    }
    yield { kind: "count", metric, unit, start, field, count: Number(u64Of(entry)) };
  }
}

async function* sums(
  connection: Connection,
  metric: Metric,
  { unit }: BucketRange,
  entries: AsyncIterable<Deno.KvEntry<unknown>>,
): AsyncIterable<Cell> {
  let open = null as OpenSum | null;
  const close = async (it: OpenSum): Promise<Cell> => {
    const { start, field } = it;
    return { kind: "sum", metric, unit, start, field, sum: await sumOf(connection, it) };
  };
  for await (const entry of entries) {
    const start = startOf(entry);
    const part = entry.key[FIELD_AT];
    if (entry.key.length === FIELD_AT + 1 && part === TALLY_PART) {
      if (open !== null) yield await close(open);
      open = null;
      yield { kind: "tally", metric, unit, start, count: Number(u64Of(entry)) };
      continue;
    }
    const isWhole = entry.key.length === FIELD_AT + 1;
    const isMillionths = entry.key.length === FIELD_AT + 2 &&
      entry.key[FIELD_AT + 1] === MILLIONTHS_PART;
    if (typeof part !== "string" || !(isWhole || isMillionths)) {
      throw foreignValue(entry.key, "a part of a sum");
    }
    u64Of(entry);
    if (isMillionths && open?.start === start && open.field === part) {
      open.millionths = entry;
      continue;
    }
    if (open !== null) yield await close(open);
    open = isWhole
      ? { start, field: part, whole: entry, millionths: null }
      // The whole units came after the list had passed their place: sumOf reads both again.
      : { start, field: part, whole: missing(entry.key.slice(0, -1)), millionths: entry };
  }
  if (open !== null) yield await close(open);
}

/**
 * The sum of both parts. A list is read in batches, so a commit may fall between the two; as each
 * commit with millionths also writes the whole units, that shows: the millionths are younger. Then
 * both are read again at once.
 */
async function sumOf(connection: Connection, { whole, millionths }: OpenSum): Promise<bigint> {
  if (millionths === null) return valueOf(whole) * MILLIONTHS_PER_UNIT;
  const torn = whole.versionstamp === null ||
    (millionths.versionstamp !== null && millionths.versionstamp > whole.versionstamp);
  if (torn) {
    [whole, millionths] = await connection.patiently(
      "read a sum",
      () => connection.kv.getMany<[unknown, unknown]>([whole.key, millionths!.key]),
    );
  }
  return valueOf(whole) * MILLIONTHS_PER_UNIT + valueOf(millionths);
}

function valueOf(entry: Deno.KvEntryMaybe<unknown>): bigint {
  return entry.versionstamp === null ? 0n : signed(u64Of(entry));
}

function missing(key: Deno.KvKey): Deno.KvEntryMaybe<unknown> {
  return { key, value: null, versionstamp: null };
}

function startOf(entry: Deno.KvEntry<unknown>): number {
  const start = entry.key[START_AT];
  if (typeof start !== "number") throw foreignValue(entry.key, "a bucket's start in its key");
  return start;
}
