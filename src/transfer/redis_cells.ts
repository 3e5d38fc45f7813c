/**
 * What keys in Redis hold, as cells: counts, sums, uniques, each value checked. What is no number that
 * traqq can keep is found, never guessed at, and the rest of its key is read.
 *
 * @module
 */
import { type Decimal, MICROS_PER_UNIT, microsToString, readDecimal } from "../base/decimal.ts";
import { messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { OTHER_FIELD, storedField } from "../engine/field.ts";
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import type { Cell } from "../storage/storage.ts";
import type { Finding, Piece } from "./redis_layout.ts";
import type { Entry, RedisSource } from "./redis_source.ts";

/** A hash holds up to 2^53 - 1 as at most so many digits, without a sign or zeros before them. */
const COUNT = /^[1-9]\d{0,15}$/;
/** Fields are UTF-8; a byte order mark belongs to them. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the cells of pieces; memory is that of the piece. Cells come in one order, whatever order Redis
 * gives its fields in.
 */
export class PieceReader {
  readonly #source: RedisSource;
  readonly #onFinding: (finding: Finding) => void;

  constructor(source: RedisSource, onFinding: (finding: Finding) => void) {
    this.#source = source;
    this.#onFinding = onFinding;
  }

  /** All cells of a piece; none if its keys are gone, or nothing in them can be read. */
  async cells(piece: Piece): Promise<Cell[]> {
    const { metric, unit, start, values } = piece;
    const place = { metric, unit, start };
    switch (metric.type) {
      case "bmp": {
        const sketch = piece.ids === undefined
          ? await this.#hyperLogLog(values!)
          : await this.#bitmap(values!, piece.ids);
        return sketch === undefined ? [] : [{ kind: "sketch", ...place, sketch: sketch.toBytes() }];
      }
      case "add":
      case "top": {
        const counts = await this.#counts(values!, metric.type === "add" ? "hash" : "zset");
        return inOrder(counts).map(([field, count]) => ({ kind: "count", ...place, field, count }));
      }
      case "adv": {
        const { sums, count } = await this.#sums(piece);
        const cells: Cell[] = inOrder(sums)
          .map(([field, sum]) => ({ kind: "sum", ...place, field, sum }));
        if (count !== undefined) cells.push({ kind: "tally", ...place, count });
        return cells;
      }
    }
  }

  async #counts(key: string, type: "hash" | "zset"): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    await this.#readAll(key, type, (field, text) => {
      // A score may be written with an exponent.
      const isCount = type === "zset" ? text !== "" : COUNT.test(text);
      const count = (isCount ? Number(text) : 0) + (counts.get(field) ?? 0);
      if (!(isCount && Number.isSafeInteger(count) && Number(text) > 0)) {
        return `wanted a whole count from 1 to 2^53 - 1, received ${show(text)}`;
      }
      counts.set(field, count);
    });
    return counts;
  }

  async #sums(
    { values, totals }: Piece,
  ): Promise<{ sums: Map<string, bigint>; count: number | undefined }> {
    const sums = new Map<string, bigint>();
    let isWhole = true;
    if (values !== undefined) {
      isWhole = await this.#readAll(values, "hash", (field, text) => {
        const sum = microsOf(text);
        if (sum === undefined) return notSum(text);
        sums.set(field, sum + (sums.get(field) ?? 0n));
      });
    }
    if (totals === undefined) return { sums, count: undefined };
    let count: number | undefined;
    let sum: bigint | undefined;
    await this.#readAll(totals, "hash", (field, text) => {
      switch (field) {
        case "count":
          count = COUNT.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
          return count === undefined
            ? `wanted a whole count from 1 to 2^53 - 1, received ${show(text)}`
            : undefined;
        case "sum":
          sum = microsOf(text);
          return sum === undefined ? notSum(text) : undefined;
        default:
          return 'wanted only "sum" and "count" in totals';
      }
    });
    if (sum !== undefined && values === undefined) {
      // There are totals only: the sum is right, and whose it is nobody knows.
      sums.set(OTHER_FIELD, sum);
    } else if (sum !== undefined && isWhole) {
      this.#compare(totals, sum, sums);
    }
    return { sums, count };
  }

  /** Each label and the total were rounded by themselves; what is beyond that is told. */
  #compare(totals: string, total: bigint, sums: ReadonlyMap<string, bigint>): void {
    let sum = 0n;
    for (const one of sums.values()) sum += one;
    const apart = sum > total ? sum - total : total - sum;
    if (apart <= BigInt(sums.size + 1)) return;
    this.#onFinding({
      kind: "differs",
      key: totals,
      field: "sum",
      why: `it is ${microsToString(total)}, and its labels together are ${microsToString(sum)}; ` +
        "the labels are taken",
    });
  }

  async #hyperLogLog(key: string): Promise<HyperLogLog | undefined> {
    const bytes = await this.#string(key);
    if (bytes === undefined) return undefined;
    try {
      return HyperLogLog.fromBytes(bytes);
    } catch (error) {
      this.#refuse(key, messageOf(error));
      return undefined;
    }
  }

  /** A bitmap of values, each of which has a number: those whose bit is set. */
  async #bitmap(key: string, ids: string): Promise<HyperLogLog | undefined> {
    const bits = await this.#string(key);
    if (bits === undefined || !await this.#expect(ids, "zset")) return undefined;
    const sketch = new HyperLogLog();
    const unknown = Uint8Array.from(bits);
    for await (const entries of this.#source.scores(ids)) {
      for (const [value, score] of entries) {
        const id = Number(score);
        const byte = Math.floor(id / 8);
        // Redis counts bits from the highest of each byte.
        const bit = 0x80 >> (id % 8);
        if (!(Number.isSafeInteger(id) && id >= 0) || (bits[byte] & bit) === 0) continue;
        unknown[byte] &= ~bit;
        sketch.addBytes(value);
      }
    }
    const lost = ones(unknown);
    if (lost > 0) {
      this.#refuse(
        key,
        `${lost} of its ${ones(bits)} bits have no value in ${ids}; they are left out`,
      );
    }
    return lost === ones(bits) ? undefined : sketch;
  }

  async #string(key: string): Promise<Uint8Array | undefined> {
    if (!await this.#expect(key, "string")) return undefined;
    return await this.#source.bytes(key) ?? undefined;
  }

  /**
   * Hands each field of a hash, or member of a sorted set, over once.
   *
   * @param take keeps it, or says why not
   * @returns whether all were kept
   */
  async #readAll(
    key: string,
    type: "hash" | "zset",
    take: (field: string, text: string) => string | undefined | void,
  ): Promise<boolean> {
    if (!await this.#expect(key, type)) return false;
    const seen = new Set<string>();
    let isWhole = true;
    const batches: AsyncIterable<Entry[]> = type === "hash"
      ? this.#source.fields(key)
      : this.#source.scores(key);
    for await (const entries of batches) {
      for (const [name, text] of entries) {
        const field = textOf(name);
        let why: string | undefined | void = "its name is no UTF-8";
        if (field !== undefined) {
          if (seen.has(field)) continue;
          seen.add(field);
          why = take(storedField(field), text);
        }
        if (typeof why !== "string") continue;
        isWhole = false;
        this.#onFinding({ kind: "refused", key, field: field ?? loose.decode(name), why });
      }
    }
    return isWhole;
  }

  async #expect(key: string, wanted: string): Promise<boolean> {
    const type = await this.#source.type(key);
    if (type === wanted) return true;
    this.#refuse(
      key,
      type === "none" ? "it is not there any more" : `wanted a ${wanted}, received a ${type}`,
    );
    return false;
  }

  #refuse(key: string, why: string): void {
    this.#onFinding({ kind: "refused", key, why });
  }
}

const loose = new TextDecoder();

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Six decimals, further ones rounded half away from zero; undefined for what is no such number. */
function microsOf(text: string): bigint | undefined {
  const decimal: Decimal = { whole: 0, micros: 0 };
  if (!readDecimal(text, decimal)) return undefined;
  return BigInt(decimal.whole) * MICROS_PER_UNIT + BigInt(decimal.micros);
}

function notSum(text: string): string {
  return `wanted a number up to ±2^53, received ${show(text)}`;
}

function ones(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) {
    for (let rest = byte; rest > 0; rest &= rest - 1) count++;
  }
  return count;
}

function inOrder<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}
