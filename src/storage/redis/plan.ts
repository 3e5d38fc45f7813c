/**
 * A chunk as scripts take it: its cells by bucket and key. Pure, and the same for the same chunk, so
 * that the numbers by which a script names refused cells mean the same when the chunk comes again.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { messageOf } from "../../base/errors.ts";
import { microsToString } from "../../base/decimal.ts";
import { HyperLogLog } from "../../sketch/hyperloglog.ts";
import { malformed, refusal } from "../cells.ts";
import type { Cell, RefusedCell, Unit } from "../storage.ts";
import { knownKey, metricKey, summaryKey, unnameable } from "./keys.ts";

/** An argument of a script. */
export type Arg = string | Buffer;

/** What a script does with the pairs of a group (scripts/_cells.ts). */
export type GroupKind = "add" | "top" | "adv" | "tally" | "bmp";

/** The cells of one key. */
export interface Group {
  readonly kind: GroupKind;
  readonly key: string;
  /** In the order of the chunk. */
  readonly cells: Cell[];
  /** Of a tally: the group of its metric's sums, where there is one. */
  readonly sums: Group | null;
}

/** The groups of one bucket. */
export interface BucketPlan {
  readonly unit: Unit;
  readonly start: number;
  /** The set of its keys. */
  readonly known: string;
  /** A tally comes right behind the sums of its metric. */
  readonly groups: readonly Group[];
}

/** A chunk's cells in the order of the scripts. */
export interface ChunkPlan {
  readonly buckets: readonly BucketPlan[];
  /** Cells that no script is given: they are none, or have no key. */
  readonly rejected: readonly RefusedCell[];
}

/** Millionths that scripts cannot add any more (scripts/_decimal.ts). */
const SUM_LIMIT = 10n ** 30n;

/** Puts the cells of a chunk in order. */
export function planOf(prefix: string, cells: readonly Cell[]): ChunkPlan {
  const rejected: RefusedCell[] = [];
  const buckets = new Map<string, { plan: BucketPlan; series: Map<string, Series> }>();
  for (const cell of cells) {
    const error = malformed(cell) ?? unusable(prefix, cell);
    if (error !== null) {
      rejected.push({ cell, error });
      continue;
    }
    const { unit, start } = cell;
    const known = knownKey(prefix, unit, start);
    let bucket = buckets.get(known);
    if (bucket === undefined) {
      bucket = { plan: { unit, start: start + 0, known, groups: [] }, series: new Map() };
      buckets.set(known, bucket);
    }
    const key = metricKey(prefix, cell);
    let series = bucket.series.get(key);
    if (series === undefined) {
      series = newSeries(cell, key);
      bucket.series.set(key, series);
    }
    (cell.kind === "tally" ? series.tally! : series.main).cells.push(cell);
  }
  return {
    buckets: [...buckets.values()].map(({ plan, series }) => ({
      ...plan,
      groups: [...series.values()].flatMap(groupsOf),
    })),
    rejected,
  };
}

/** The pairs of a group as a script takes them. */
export function pairsOf({ kind, cells }: Group): Arg[] {
  const args: Arg[] = [];
  for (const cell of cells) {
    if (cell.kind === "count") args.push(cell.field, `${cell.count}`);
    else if (cell.kind === "sum") args.push(cell.field, microsToString(cell.sum));
    else if (cell.kind === "tally") args.push("count", `${cell.count}`);
    else args.push("", bufferOf(cell.sketch));
  }
  if (args.length !== 2 * cells.length) throw new Error(`BUG: pairs of ${kind}`);
  return args;
}

/** What a metric's sum grows by, without the cells that were refused; empty if there are no sums. */
export function growthOf({ sums }: Group, refused: ReadonlySet<Cell> = new Set()): string {
  if (sums === null) return "";
  let micros = 0n;
  for (const cell of sums.cells) {
    if (cell.kind === "sum" && !refused.has(cell)) micros += cell.sum;
  }
  return microsToString(micros);
}

/** Cells of a metric in a bucket; of `adv`, both keys. */
interface Series {
  readonly main: Group;
  readonly tally: Group | null;
}

function newSeries({ metric }: Cell, key: string): Series {
  const main: Group = { kind: metric.type, key, cells: [], sums: null };
  if (metric.type !== "adv") return { main, tally: null };
  return { main, tally: { kind: "tally", key: summaryKey(key), cells: [], sums: main } };
}

/** Both of an `adv`, but no group that has nothing to do. */
function groupsOf({ main, tally }: Series): Group[] {
  if (tally === null) return [main];
  if (main.cells.length === 0) return [{ ...tally, sums: null }];
  return [main, tally];
}

function unusable(prefix: string, cell: Cell): RefusedCell["error"] | null {
  const why = unnameable(prefix, cell);
  if (why !== null) return refusal(cell, why);
  if (cell.kind === "sum" && (cell.sum <= -SUM_LIMIT || cell.sum >= SUM_LIMIT)) {
    return refusal(cell, "wanted at most 24 digits before the point");
  }
  if (cell.kind !== "sketch") return null;
  try {
    HyperLogLog.fromBytes(cell.sketch);
    return null;
  } catch (error) {
    return refusal(cell, messageOf(error), error);
  }
}

/** The same bytes, not a copy. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
