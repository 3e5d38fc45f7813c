/**
 * What the cases of the storage contract are written with: cells, a writer that commits them as the
 * engine does, and everything a storage holds as one comparable map.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type {
  BucketRange,
  Cell,
  Checkpoint,
  Chunk,
  CommitReport,
  Metric,
  Storage,
  Unit,
} from "../../src/storage/storage.ts";

/** The prefix that cases use unless they need several. */
export const PREFIX = "app";
/** Seconds of a day. */
export const DAY = 86_400;
/** 2026-11-01T00:00:00Z. */
export const START = 1_793_491_200;

/** A counter metric. */
export const ADD: Metric = { type: "add", pattern: "event" };
/** A leaderboard metric. */
export const TOP: Metric = { type: "top", pattern: "geo" };
/** A metric that sums `amount`. */
export const ADV: Metric = { type: "adv", pattern: "event~geo", addKey: "amount" };
/** A metric of unique values. */
export const BMP: Metric = { type: "bmp", pattern: "user" };

/** Where a cell goes; the defaults are those that most cases want. */
export interface At {
  readonly metric?: Metric;
  readonly unit?: Unit;
  readonly start?: number;
}

/** A cell of a counter. */
export function count(field: string, count: number, at: At = {}): Cell {
  return { kind: "count", ...place(ADD, at), field, count };
}

/** A cell of a sum, in millionths. */
export function sum(field: string, sum: bigint, at: At = {}): Cell {
  return { kind: "sum", ...place(ADV, at), field, sum };
}

/** A cell that says how many events a metric summed. */
export function tally(count: number, at: At = {}): Cell {
  return { kind: "tally", ...place(ADV, at), count };
}

/** A cell with the unique values given. */
export function sketch(values: Iterable<string>, at: At = {}): Cell {
  const it = new HyperLogLog();
  for (const value of values) it.add(value);
  return { kind: "sketch", ...place(BMP, at), sketch: it.toBytes() };
}

function place(metric: Metric, at: At): { metric: Metric; unit: Unit; start: number } {
  return { metric: at.metric ?? metric, unit: at.unit ?? "d", start: at.start ?? START };
}

/** `prefix0`, `prefix1` … */
export function names(prefix: string, length: number): string[] {
  return Array.from({ length }, (_, i) => prefix + i);
}

/** All buckets of a unit. */
export function everything(prefix: string = PREFIX, unit: Unit = "d"): BucketRange {
  return { prefix, unit, from: -1e12, to: 1e12 };
}

/** How a {@linkcode TestWriter} is set up. */
export interface TestWriterOptions {
  readonly prefix?: string;
  readonly writer?: string;
  readonly incarnation?: string;
  readonly durable?: boolean;
  readonly previous?: Checkpoint | null;
}

/** Cuts and commits as the engine does. */
export class TestWriter {
  storage: Storage;
  previous: Checkpoint | null;
  #flush = 0;
  readonly #prefix: string;
  readonly #writer: string;
  readonly #incarnation: string;
  readonly #durable: boolean;

  constructor(storage: Storage, options: TestWriterOptions = {}) {
    this.storage = storage;
    this.#prefix = options.prefix ?? PREFIX;
    this.#writer = options.writer ?? "writer";
    this.#incarnation = options.incarnation ?? `${this.#writer}-1`;
    this.#durable = options.durable ?? true;
    this.previous = options.previous ?? null;
  }

  /** The next flush as chunks, not committed. */
  chunks(
    cells: readonly Cell[],
    lists: Cell[][] = this.storage.split(this.#prefix, cells),
  ): Chunk[] {
    const flush = ++this.#flush;
    return lists.map((list, part) => {
      const checkpoint = { incarnation: this.#incarnation, flush, part };
      const chunk: Chunk = {
        prefix: this.#prefix,
        writer: this.#writer,
        durable: this.#durable,
        checkpoint,
        previous: this.previous,
        cells: list,
      };
      this.previous = checkpoint;
      return chunk;
    });
  }

  /** A flush as one chunk, however its cells would be cut. */
  chunk(cells: readonly Cell[]): Chunk {
    return this.chunks(cells, [[...cells]])[0];
  }

  /** Commits chunks in order. */
  async commit(chunks: readonly Chunk[]): Promise<CommitReport[]> {
    const reports: CommitReport[] = [];
    for (const chunk of chunks) reports.push(await this.storage.commit(chunk));
    return reports;
  }

  /** Cuts and commits. */
  flush(cells: readonly Cell[]): Promise<CommitReport[]> {
    return this.commit(this.chunks(cells));
  }
}

/** All cells of a metric in a range, having checked what the interface promises about their order. */
export async function readAll(
  storage: Storage,
  metric: Metric,
  range: BucketRange = everything(),
): Promise<Cell[]> {
  const cells: Cell[] = [];
  const seen = new Set<string>();
  let last = -Infinity;
  for await (const batch of storage.read(metric, range)) {
    assertGreater(batch.length, 0, "a batch is never empty");
    for (const cell of batch) {
      assertEquals(cell.metric, metric);
      assertEquals(cell.unit, range.unit);
      assert(cell.start >= range.from && cell.start <= range.to, `${cell.start} is in the range`);
      assertLessOrEqual(last, cell.start, "starts ascend");
      last = cell.start;
      const id = idOf(cell);
      assert(!seen.has(id), `each cell comes once, and ${id} twice`);
      seen.add(id);
      cells.push(cell);
    }
  }
  return cells;
}

/** Everything that a prefix holds, one line a cell: what two storages with equal contents agree on. */
export async function contents(
  storage: Storage,
  prefix: string = PREFIX,
): Promise<Record<string, string>> {
  const lines = new Map<string, string>();
  for (const unit of ["d", "h"] as const) {
    const range = everything(prefix, unit);
    for (const metric of await storage.metrics(range)) {
      for (const cell of await readAll(storage, metric, range)) {
        lines.set(idOf(cell), valueOf(cell));
      }
    }
  }
  return Object.fromEntries([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a storage must hold after these cells, in the form of {@linkcode contents}. */
export function totals(cells: Iterable<Cell>): Record<string, string> {
  const lines = new Map<string, Cell>();
  for (const cell of cells) {
    const id = idOf(cell);
    const before = lines.get(id);
    lines.set(id, before === undefined ? cell : plus(before, cell));
  }
  return Object.fromEntries(
    [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, cell]) => [id, valueOf(cell)]),
  );
}

function plus(a: Cell, b: Cell): Cell {
  if (a.kind === "sum" && b.kind === "sum") return { ...a, sum: a.sum + b.sum };
  if (a.kind === "sketch" && b.kind === "sketch") {
    const union = HyperLogLog.fromBytes(a.sketch).merge(HyperLogLog.fromBytes(b.sketch));
    return { ...a, sketch: union.toBytes() };
  }
  if ("count" in a && "count" in b) return { ...a, count: a.count + b.count };
  throw new Error(`BUG: cannot add a ${b.kind} to a ${a.kind}`);
}

/** A line that no other cell has. */
export function idOf(cell: Cell): string {
  const { kind, unit, start, metric } = cell;
  const field = "field" in cell ? cell.field : null;
  return JSON.stringify([metric.type, metric.pattern, metric.addKey, unit, start, kind, field]);
}

function valueOf(cell: Cell): string {
  if (cell.kind === "sum") return `${cell.sum}`;
  if (cell.kind !== "sketch") return `${cell.count}`;
  // Byte for byte, but for the count that Redis caches in bytes 8 to 15.
  const bytes = HyperLogLog.fromBytes(cell.sketch).toBytes();
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
