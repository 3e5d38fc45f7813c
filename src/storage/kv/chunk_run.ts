/**
 * Applying one chunk: what a commit writes for which cells, and finding the cells that the database
 * refuses.
 *
 * @module
 */
import { messageOf, StorageError } from "../../base/errors.ts";
import { HyperLogLog } from "../../sketch/hyperloglog.ts";
import { malformed, refusal } from "../cells.ts";
import type { Cell, Chunk, RefusedCell, SketchCell } from "../storage.ts";
import {
  cellKey,
  encodedLength,
  knownKey,
  MILLIONTHS_PER_UNIT,
  type Summand,
  summandsOf,
  versionKey,
} from "./keys.ts";
import { idOf, longestKeyLength, MAX_GET_KEYS, MAX_KEY_BYTES, pack, type Range } from "./limits.ts";
import { type Reach, reachOf } from "./torn.ts";
import type { Outcome, StoredCheckpoint, WriterState } from "./writer_state.ts";

/** A metric that this instance has written to the known ones is written again after this time. */
const KNOWN_FOR_MS = 10 * 60 * 1000;
/** Refused cells that a checkpoint remembers at most, so that it stays a small value. */
const REMEMBERED_REFUSALS = 1000;
/** Whole units of a sum are a 64-bit number. */
const MAX_WHOLE = 2n ** 63n - 1n;

/**
 * The metrics that this instance has put among the known ones. It believes so for ten minutes only:
 * someone may empty the database under it.
 */
export class KnownMetrics {
  readonly #writtenAtMs = new Map<string, number>();

  /** Whether the metric must be written. */
  needs(id: string): boolean {
    const at = this.#writtenAtMs.get(id);
    return at === undefined || Math.abs(Date.now() - at) > KNOWN_FOR_MS;
  }

  /** It was written just now. */
  wrote(id: string): void {
    this.#writtenAtMs.set(id, Date.now());
  }
}

interface PlacedSummand extends Summand {
  /** Index of its cell; null for a bucket's version. */
  readonly cell: number | null;
}

/** Applies one chunk for one writer. */
export class ChunkRun {
  readonly #state: WriterState;
  readonly #chunk: Chunk;
  readonly #known: KnownMetrics;
  readonly #refused = new Map<number, StorageError>();
  readonly #sketches = new Map<number, HyperLogLog>();
  #storeTakesWrites = false;

  constructor(state: WriterState, chunk: Chunk, known: KnownMetrics) {
    this.#state = state;
    this.#chunk = chunk;
    this.#known = known;
  }

  /** The refused cells, in the order of the chunk. */
  get refused(): RefusedCell[] {
    return [...this.#refused].sort(([a], [b]) => a - b)
      .map(([index, error]) => ({ cell: this.#chunk.cells[index], error }));
  }

  /** Takes over what the stored checkpoint says about refused cells of this chunk. */
  recall(): void {
    for (const index of this.#state.stored.value?.refused ?? []) {
      const cell = this.#chunk.cells[index];
      if (cell === undefined) continue;
      this.#refused.set(index, refusal(cell, "it was refused when this chunk was first committed"));
    }
  }

  /**
   * Applies the cells from an index on.
   *
   * @returns `moved` if someone else moved the checkpoint, so the chunk must be judged anew
   */
  async run(from: number): Promise<"done" | "moved"> {
    const { cells, prefix } = this.#chunk;
    if (from > 0 || this.#state.stored.value?.torn !== undefined) this.recall();
    for (let i = from; i < cells.length; i++) this.#inspect(i);

    if (this.#isTorn()) {
      const reached = await this.#mend(new Error("a commit was cut short"));
      if (reached === "moved") return "moved";
      from = reached;
    }
    const todo = pack(prefix, cells, from, encodedLength(this.#state.key)).reverse() as Range[];
    for (let range = todo.pop(); range !== undefined; range = todo.pop()) {
      const rest = await this.#apply(range);
      if (rest === "moved") return "moved";
      todo.push(...rest.toReversed());
    }
    if (this.#isComplete()) return "done";
    const outcome = await this.#writeBare(cells.length);
    if (outcome.kind === "moved") return "moved";
    if (outcome.kind !== "applied") throw refusesAll(outcome.error);
    return "done";
  }

  /** Writes a range, or gives the smaller ranges to try instead, in order. */
  async #apply(range: Range): Promise<Range[] | "moved"> {
    const [start, end] = range;
    const outcome = await this.#write(range);
    if (outcome.kind === "applied") return [];
    if (outcome.kind === "moved") return "moved";
    if (outcome.kind === "torn") {
      this.#storeTakesWrites = true; // a part of it stands
      const reached = await this.#mend(outcome.error);
      if (reached === "moved") return "moved";
      if (reached > start) {
        // The first cell that did not make it is the guilty one.
        const ranges: Range[] = [[reached, reached + 1], [reached + 1, end]];
        return ranges.filter(([a, b]) => a < b && b <= end);
      }
    } else if (await this.#probe(start, outcome.error) === "moved") return "moved";

    if (end - start > 1) {
      const middle = (start + end) >>> 1;
      return [[start, middle], [middle, end]];
    }
    const cell = this.#chunk.cells[start];
    this.#refused.set(start, refusal(cell, messageOf(outcome.error), outcome.error));
    return [];
  }

  #write([start, end]: Range): Promise<Outcome> {
    const target = () => this.#checkpoint(end);
    if (this.#chunk.cells[start]?.kind === "sketch") {
      return this.#remembering(
        start,
        end,
        this.#state.write(target, (op) => this.#fillSketches(op, start, end)),
      );
    }
    const marker = { ...this.#checkpoint(start, true), torn: end };
    return this.#remembering(
      start,
      end,
      this.#state.write(target, (op) => {
        this.#fillKnown(op, start, end);
        for (const { key, value } of this.#summands(start, end)) {
          op.sum(key, BigInt.asUintN(64, value));
        }
      }, marker),
    );
  }

  /** Once a range stands, so do its known metrics. */
  async #remembering(start: number, end: number, write: Promise<Outcome>): Promise<Outcome> {
    const outcome = await write;
    if (outcome.kind === "applied") {
      for (const [id] of this.#seriesOf(start, end)) this.#known.wrote(id);
    }
    return outcome;
  }

  #fillKnown(op: Deno.AtomicOperation, start: number, end: number): void {
    for (const [id, cell] of this.#seriesOf(start, end)) {
      if (this.#known.needs(id)) {
        op.set(knownKey(this.#chunk.prefix, cell.unit, cell.metric), true);
      }
    }
  }

  /** The sums of a range in the order in which they are executed: versions, then cells. */
  #summands(start: number, end: number): PlacedSummand[] {
    const { prefix, cells } = this.#chunk;
    const buckets = new Map<string, PlacedSummand>();
    const summands: PlacedSummand[] = [];
    for (let i = start; i < end; i++) {
      if (this.#refused.has(i)) continue;
      const cell = cells[i];
      const bucket = `${cell.unit}${cell.start}`;
      if (!buckets.has(bucket)) {
        const key = versionKey(prefix, cell.unit, cell.start);
        buckets.set(bucket, { key, value: 1n, cell: null });
      }
      for (const summand of summandsOf(prefix, cell)) summands.push({ ...summand, cell: i });
    }
    return [...buckets.values(), ...summands];
  }

  /** Merges the range's sketches into what stands; each is checked, so no one's values get lost. */
  async #fillSketches(op: Deno.AtomicOperation, start: number, end: number): Promise<void> {
    const { prefix, cells } = this.#chunk;
    const connection = this.#state.connection;
    // Grouped by key: a second `set` of a key in one commit would undo the first.
    const indexesByKey = new Map<string, number[]>();
    for (let i = start; i < end; i++) {
      if (this.#refused.has(i)) continue;
      const id = JSON.stringify(cellKey(prefix, cells[i]));
      indexesByKey.set(id, [...indexesByKey.get(id) ?? [], i]);
    }
    const keys = [...indexesByKey.values()].map(([i]) => cellKey(prefix, cells[i]));
    if (keys.length === 0) return;
    const entries = await connection.patiently(
      "read sketches",
      () => connection.kv.getMany<unknown[]>(keys),
    );
    const merged: { key: Deno.KvKey; bytes: Uint8Array }[] = [];
    for (const [position, indexes] of [...indexesByKey.values()].entries()) {
      const entry = entries[position];
      op.check({ key: entry.key, versionstamp: entry.versionstamp });
      try {
        const bytes = this.#merge(entry, indexes);
        if (bytes !== null) merged.push({ key: entry.key, bytes });
      } catch (error) {
        const why = `what stands there is no sketch: ${messageOf(error)}`;
        for (const i of indexes) this.#refused.set(i, refusal(cells[i], why, error));
      }
    }
    this.#fillKnown(op, start, end);
    // The versions first: only they can fail, and then no sketch has been written yet.
    for (const { key, value } of this.#summands(start, end)) op.sum(key, value);
    for (const { key, bytes } of merged) op.set(key, bytes);
  }

  /** The union of what stands and the cells' sketches; null where that changes nothing. */
  #merge(entry: Deno.KvEntryMaybe<unknown>, indexes: readonly number[]): Uint8Array | null {
    const union = entry.versionstamp === null
      ? new HyperLogLog()
      : HyperLogLog.fromBytes(entry.value as Uint8Array);
    for (const i of indexes) union.merge(this.#sketches.get(i)!);
    const bytes = union.toBytes();
    if (entry.versionstamp === null) return bytes;
    const before = HyperLogLog.fromBytes(entry.value as Uint8Array).toBytes();
    return equalBytes(before, bytes) ? null : bytes;
  }

  /**
   * Makes the stored marker a clean checkpoint: finds how far the torn commit came, and takes back
   * what stands of a cell that stands only in part.
   *
   * @returns index of the first cell that does not stand
   */
  async #mend(error: unknown): Promise<number | "moved"> {
    const { value, versionstamp } = this.#state.stored;
    const start = value!.applied!;
    const end = Math.min(value!.torn!, this.#chunk.cells.length);
    const summands = this.#summands(start, end);
    const { applied, unclear } = await this.#reach(summands, versionstamp!);

    const first = summands[applied + unclear];
    const reached = first === undefined ? end : first.cell ?? start;
    for (const { cell: index } of summands.slice(applied, applied + unclear)) {
      if (index === null || index >= reached) continue;
      const why = `it may be in storage or not, another writer hid the trace: ${messageOf(error)}`;
      this.#refused.set(index, refusal(this.#chunk.cells[index], why, error));
    }
    const halves = summands.slice(0, applied).filter(({ cell }) => cell === reached);
    const outcome = await this.#state.write(
      () => this.#checkpoint(reached),
      (op) => {
        for (const { key, value } of halves) op.sum(key, BigInt.asUintN(64, -value));
      },
    );
    if (outcome.kind === "moved") return "moved";
    if (outcome.kind === "applied") return reached;
    throw refusesAll(outcome.error);
  }

  async #reach(summands: readonly PlacedSummand[], versionstamp: string): Promise<Reach> {
    const connection = this.#state.connection;
    const entries: Deno.KvEntryMaybe<unknown>[] = [];
    for (let i = 0; i < summands.length; i += MAX_GET_KEYS) {
      const keys = summands.slice(i, i + MAX_GET_KEYS).map((summand) => summand.key);
      entries.push(
        ...await connection.patiently(
          "read cells",
          () => connection.kv.getMany<unknown[]>(keys),
        ),
      );
    }
    return reachOf(entries, versionstamp);
  }

  /**
   * Before a cell is blamed: a database that refuses even a commit without cells (a full disk, a
   * read-only file) refuses all of them, and none is guilty.
   */
  async #probe(start: number, error: unknown): Promise<"ok" | "moved"> {
    if (this.#storeTakesWrites) return "ok";
    const outcome = await this.#writeBare(start, true);
    if (outcome.kind === "moved") return "moved";
    if (outcome.kind !== "applied") throw refusesAll(error);
    this.#storeTakesWrites = true;
    return "ok";
  }

  /** Moves the checkpoint alone. */
  #writeBare(upTo: number, partial = false): Promise<Outcome> {
    return this.#state.write(() => this.#checkpoint(upTo, partial), () => {});
  }

  /** The checkpoint that says that the first `upTo` cells are in storage, apart from refused ones. */
  #checkpoint(upTo: number, partial = false): StoredCheckpoint {
    const { incarnation, flush, part } = this.#chunk.checkpoint;
    const refused = [...this.#refused.keys()].filter((index) => index < upTo)
      .sort((a, b) => a - b).slice(0, REMEMBERED_REFUSALS);
    return {
      incarnation,
      flush,
      part,
      ...(this.#chunk.durable ? { durable: true } : {}),
      ...(partial || upTo < this.#chunk.cells.length ? { applied: upTo } : {}),
      ...(refused.length > 0 ? { refused } : {}),
    };
  }

  #isTorn(): boolean {
    return this.#isOwn() && this.#state.stored.value!.torn !== undefined;
  }

  #isComplete(): boolean {
    return this.#isOwn() && this.#state.stored.value!.applied === undefined;
  }

  #isOwn(): boolean {
    const value = this.#state.stored.value;
    const { incarnation, flush, part } = this.#chunk.checkpoint;
    return value !== null && value.incarnation === incarnation && value.flush === flush &&
      value.part === part;
  }

  /** Refuses a cell that Deno KV cannot hold before it spoils a commit. */
  #inspect(index: number): void {
    if (this.#refused.has(index)) return;
    const cell = this.#chunk.cells[index];
    const error = malformed(cell) ?? this.#unstorable(index, cell);
    if (error !== null) this.#refused.set(index, error);
  }

  #unstorable(index: number, cell: Cell): StorageError | null {
    const keyBytes = longestKeyLength(this.#chunk.prefix, cell);
    if (keyBytes > MAX_KEY_BYTES) {
      return refusal(cell, `its key would have ${keyBytes} bytes, Deno KV takes ${MAX_KEY_BYTES}`);
    }
    if (cell.kind === "sum") {
      const whole = cell.sum / MILLIONTHS_PER_UNIT;
      if (whole > MAX_WHOLE || whole < -MAX_WHOLE) {
        return refusal(cell, `wanted a sum within ±${MAX_WHOLE}, received ${whole}`);
      }
    }
    if (cell.kind === "sketch") {
      try {
        this.#sketches.set(index, HyperLogLog.fromBytes((cell as SketchCell).sketch));
      } catch (error) {
        return refusal(cell, messageOf(error), error);
      }
    }
    return null;
  }

  /** One cell of each metric and unit in a range. */
  #seriesOf(start: number, end: number): Map<string, Cell> {
    const series = new Map<string, Cell>();
    for (let i = start; i < end; i++) {
      if (this.#refused.has(i)) continue;
      const cell = this.#chunk.cells[i];
      series.set(this.#chunk.prefix + "\0" + idOf(cell.unit, cell.metric), cell);
    }
    return series;
  }
}

function refusesAll(error: unknown): StorageError {
  return new StorageError(
    "unavailable",
    `Cannot commit to Deno KV: it refuses every write: ${messageOf(error)}`,
    { cause: error },
  );
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
