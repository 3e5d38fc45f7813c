/**
 * What one commit to Deno KV can carry, and cutting cells so that each commit keeps to it.
 *
 * Source: denoland/deno ext/kv/config.rs and lib.rs (`op_kv_atomic_write`), denoland/denokv
 * denokv/limits.rs; each number was measured on Deno 2.9.6 (`tests/storage/kv_test.ts` still does).
 *
 * @module
 */
import type { Cell, Metric, Unit } from "../storage.ts";
import {
  cellKey,
  encodedLength,
  knownKey,
  MILLIONTHS_PART,
  MILLIONTHS_PER_UNIT,
  seriesKey,
  versionKey,
} from "./keys.ts";

/** Sets, sums and deletes in a commit. */
export const MAX_MUTATIONS = 1000;
/** Encoded keys of the sets and sums of a commit, together. Those of deletes and checks are free. */
export const MAX_KEY_BYTES_PER_COMMIT = 81_920;
/**
 * All of a commit: checks and deletes weigh their key, sets and sums their key twice (the source adds
 * it in two loops) and their value.
 */
export const MAX_COMMIT_BYTES = 819_200;
/** One encoded key. */
export const MAX_KEY_BYTES = 2048;
/** One value. */
export const MAX_VALUE_BYTES = 65_536;
/** Keys of a `getMany`. */
export const MAX_GET_KEYS = 10;
/** Checks in a commit: Deno allows 100, denokv's own server 10. */
export const MAX_CHECKS = 10;
/** Entries that a list fetches at once: the most Deno allows, and the fastest measured. */
export const LIST_BATCH = 500;

/** Sketches in a commit: each has a check, and so has the checkpoint. */
export const MAX_SKETCHES = MAX_CHECKS - 1;
/** Mutations for the checkpoint: it is set first as a marker and last as what it is (see torn.ts). */
export const CHECKPOINT_MUTATIONS = 2;
/** Room that `split`, which does not know the writer, keeps for the writer's id in its key. */
export const WRITER_ID_BYTES = 256;
/** Room for a checkpoint's value: an incarnation's id, a few numbers, and refused cells. */
export const CHECKPOINT_VALUE_BYTES = 16_384;
/** Weight of a sketch that is merged: a dense HyperLogLog of 2^14 registers has 12,304 bytes. */
const SKETCH_BYTES = 12_304;
const U64_BYTES = 8;
const TRUE_BYTES = 3;

/** A range of cells, the end exclusive. */
export type Range = readonly [start: number, end: number];

/** Sketches first (their commits can conflict, sums never do), otherwise in the order given. */
export function inCommitOrder(cells: readonly Cell[]): Cell[] {
  return [
    ...cells.filter((cell) => cell.kind === "sketch"),
    ...cells.filter((cell) => cell.kind !== "sketch"),
  ];
}

/**
 * Cuts `cells[from…]` into ranges that one commit each can carry with its checkpoint. What a commit
 * may have to write besides is always counted, whether this instance wrote it before or not, so the
 * same cells are always cut the same way.
 */
export function pack(
  prefix: string,
  cells: readonly Cell[],
  from: number,
  checkpointKeyBytes: number,
): Range[] {
  const ranges: Range[] = [];
  const load = new Load(prefix, checkpointKeyBytes);
  let start = from;
  for (let i = from; i < cells.length; i++) {
    if (load.add(cells[i])) continue;
    if (i > start) ranges.push([start, i]);
    start = i;
    load.clear();
    load.add(cells[i]); // if it does not fit alone, the database will say so
  }
  if (start < cells.length) ranges.push([start, cells.length]);
  return ranges;
}

/** What a commit weighs so far. */
class Load {
  readonly #prefix: string;
  readonly #checkpointKeyBytes: number;
  readonly #series = new Map<string, { bytes: number; knownBytes: number }>();
  readonly #known = new Set<string>();
  readonly #buckets = new Set<string>();
  readonly #versionBytes: number;
  #kind: "sketch" | "sums" | null = null;
  #sketches = 0;
  #mutations = 0;
  #keyBytes = 0;
  #bytes = 0;

  constructor(prefix: string, checkpointKeyBytes: number) {
    this.#prefix = prefix;
    this.#checkpointKeyBytes = checkpointKeyBytes;
    this.#versionBytes = encodedLength(versionKey(prefix, "d", 0));
    this.clear();
  }

  clear(): void {
    this.#known.clear();
    this.#buckets.clear();
    this.#kind = null;
    this.#sketches = 0;
    this.#mutations = CHECKPOINT_MUTATIONS;
    this.#keyBytes = CHECKPOINT_MUTATIONS * this.#checkpointKeyBytes;
    this.#bytes = (2 * CHECKPOINT_MUTATIONS + 1) * this.#checkpointKeyBytes +
      CHECKPOINT_MUTATIONS * CHECKPOINT_VALUE_BYTES;
  }

  /** Whether the cell still fits; if not, nothing changes. */
  add(cell: Cell): boolean {
    const kind = cell.kind === "sketch" ? "sketch" : "sums";
    if (this.#kind !== null && this.#kind !== kind) return false;

    const seriesId = idOf(cell.unit, cell.metric);
    const bucketId = `${cell.unit}${cell.start}`;
    const { bytes: seriesBytes, knownBytes } = this.#seriesOf(seriesId, cell);
    const keyLength = seriesBytes + tailLength(cell);

    let mutations = 1;
    let keyBytes = keyLength;
    let valueBytes = U64_BYTES;
    let checkBytes = 0;
    if (cell.kind === "sketch") {
      if (this.#sketches === MAX_SKETCHES) return false;
      valueBytes = Math.max(SKETCH_BYTES, cell.sketch.length);
      checkBytes = keyLength;
    } else if (cell.kind === "sum" && cell.sum % MILLIONTHS_PER_UNIT !== 0n) {
      mutations++;
      keyBytes += keyLength + encodedLength([MILLIONTHS_PART]);
      valueBytes += U64_BYTES;
    }
    if (!this.#known.has(seriesId)) {
      mutations++;
      keyBytes += knownBytes;
      valueBytes += TRUE_BYTES;
    }
    if (!this.#buckets.has(bucketId)) {
      mutations++;
      keyBytes += this.#versionBytes;
      valueBytes += U64_BYTES;
    }
    const bytes = 2 * keyBytes + valueBytes + checkBytes;
    if (
      this.#mutations + mutations > MAX_MUTATIONS ||
      this.#keyBytes + keyBytes > MAX_KEY_BYTES_PER_COMMIT ||
      this.#bytes + bytes > MAX_COMMIT_BYTES
    ) return false;

    this.#kind = kind;
    this.#known.add(seriesId);
    this.#buckets.add(bucketId);
    if (kind === "sketch") this.#sketches++;
    this.#mutations += mutations;
    this.#keyBytes += keyBytes;
    this.#bytes += bytes;
    return true;
  }

  /** Lengths that all cells of a metric share, reckoned once. */
  #seriesOf(id: string, cell: Cell): { bytes: number; knownBytes: number } {
    let series = this.#series.get(id);
    if (series === undefined) {
      series = {
        bytes: encodedLength(seriesKey(this.#prefix, cell.unit, cell.metric)),
        knownBytes: encodedLength(knownKey(this.#prefix, cell.unit, cell.metric)),
      };
      this.#series.set(id, series);
    }
    return series;
  }
}

/** Bytes of a cell's key behind those of its metric. */
function tailLength(cell: Cell): number {
  if (cell.kind === "sketch") return encodedLength([cell.start]);
  return encodedLength([cell.start, cell.kind === "tally" ? true : cell.field]);
}

/** A word for a metric of a unit, for maps; no two have the same. */
export function idOf(unit: Unit, metric: Metric): string {
  return `${unit}${metric.type}${metric.pattern.length}:${metric.pattern}${metric.addKey ?? ""}`;
}

/** Bytes of a cell's longest key. */
export function longestKeyLength(prefix: string, cell: Cell): number {
  const length = encodedLength(cellKey(prefix, cell));
  const fraction = cell.kind === "sum" && cell.sum % MILLIONTHS_PER_UNIT !== 0n;
  return fraction ? length + encodedLength([MILLIONTHS_PART]) : length;
}
