/**
 * Where things stand in Deno KV, and how long their keys are.
 *
 * | key | value |
 * | --- | --- |
 * | `[prefix, "add" or "top", unit, pattern, start, field]` | KvU64, the count |
 * | `[prefix, "adv", unit, addKey:pattern, start, field]` | KvU64, whole units, two's complement |
 * | `[prefix, "adv", unit, addKey:pattern, start, field, 1]` | KvU64, millionths, two's complement; only where there is a fraction |
 * | `[prefix, "adv", unit, addKey:pattern, start, true]` | KvU64, the tally: no field is a boolean |
 * | `[prefix, "bmp", unit, pattern, start]` | bytes, a HyperLogLog |
 * | `[prefix, "v", unit, start]` | KvU64, summed 1 by each commit that touches the bucket |
 * | `[prefix, "k", unit, type, pattern, addKey?]` | true, a known metric |
 * | `[prefix, "cp", writer]` | the writer's checkpoint |
 * | `[prefix, "w", writer]` | the writer's lease |
 * | `[prefix, "tz"]` | the IANA time zone |
 *
 * A key's bytes are those of its parts one after the other, so `[…, field]` is followed at once by
 * `[…, field, 1]`, and the tally closes its bucket: one ordered list gives all of a sum together.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import type { Cell, Metric, MetricType, Unit } from "../storage.ts";

/** A part of a key that this layout uses. */
export type KeyPart = string | number | boolean;
/** A key of this layout. */
export type Key = KeyPart[];

/** Millionths in one whole unit of an `adv` sum. */
export const MILLIONTHS_PER_UNIT = 1_000_000n;
/** Last part of the key that holds a sum's millionths. */
export const MILLIONTHS_PART = 1;
/** Last part of the key that holds a bucket's tally. */
export const TALLY_PART = true;

/** Key of a writer's checkpoint. */
export function checkpointKey(prefix: string, writer: string): Key {
  return [prefix, "cp", writer];
}

/** What the keys of all checkpoints of a prefix begin with. */
export function checkpointsKey(prefix: string): Key {
  return [prefix, "cp"];
}

/** Key of a writer's lease. */
export function leaseKey(prefix: string, writer: string): Key {
  return [prefix, "w", writer];
}

/** Key of a prefix's time zone. */
export function timezoneKey(prefix: string): Key {
  return [prefix, "tz"];
}

/** Key of a bucket's version. */
export function versionKey(prefix: string, unit: Unit, start: number): Key {
  return [prefix, "v", unit, start + 0]; // -0 is another key than 0; -0 + 0 is 0
}

/** Key that says a metric is known. */
export function knownKey(prefix: string, unit: Unit, metric: Metric): Key {
  const key: Key = [prefix, "k", unit, metric.type, metric.pattern];
  if (metric.addKey !== undefined) key.push(metric.addKey);
  return key;
}

/** What all keys of a metric begin with. */
export function seriesKey(prefix: string, unit: Unit, metric: Metric): Key {
  const { type, pattern, addKey } = metric;
  return [prefix, type, unit, addKey === undefined ? pattern : `${addKey}:${pattern}`];
}

/** The key of a cell; for a sum the one of its whole units. */
export function cellKey(prefix: string, cell: Cell): Key {
  const key = seriesKey(prefix, cell.unit, cell.metric);
  key.push(cell.start + 0);
  if (cell.kind === "count" || cell.kind === "sum") key.push(cell.field);
  else if (cell.kind === "tally") key.push(TALLY_PART);
  return key;
}

/** A number that a cell adds to what stands at a key. */
export interface Summand {
  readonly key: Key;
  readonly value: bigint;
}

/** What a cell adds, and where; nothing for a sketch. */
export function summandsOf(prefix: string, cell: Cell): Summand[] {
  if (cell.kind === "sketch") return [];
  const key = cellKey(prefix, cell);
  if (cell.kind !== "sum") return [{ key, value: BigInt(cell.count) }];
  // Both towards zero, so both have the sign of the sum. The whole units are written even when they
  // are 0: a reader knows by it that the field exists and whether it saw both parts of one commit.
  const millionths = cell.sum % MILLIONTHS_PER_UNIT;
  const summands: Summand[] = [{ key, value: cell.sum / MILLIONTHS_PER_UNIT }];
  if (millionths !== 0n) summands.push({ key: [...key, MILLIONTHS_PART], value: millionths });
  return summands;
}

/** The metric that a known-metric key stands for. */
export function metricOfKnownKey(key: Deno.KvKey): Metric {
  const [, , , type, pattern, addKey] = key;
  const types: readonly unknown[] = ["bmp", "add", "adv", "top"];
  const wellFormed = types.includes(type) && typeof pattern === "string" &&
    (type === "adv" ? key.length === 6 && typeof addKey === "string" : key.length === 5);
  if (!wellFormed) throw foreignValue(key, "a known metric");
  return addKey === undefined
    ? { type: type as MetricType, pattern: pattern as string }
    : { type: type as MetricType, pattern: pattern as string, addKey: addKey as string };
}

/** The error for what traqq did not write. */
export function foreignValue(key: Deno.KvKey, wanted: string): StorageError {
  return new StorageError(
    "refused",
    `Cannot read the Deno KV entry ${keyText(key)}: wanted ${wanted}, received something else; ` +
      `was it written by another program?`,
  );
}

/** A key for messages. */
export function keyText(key: Deno.KvKey): string {
  return `[${
    key.map((part) =>
      part instanceof Uint8Array
        ? `bytes(${part.length})`
        : typeof part === "bigint"
        ? `${part}n`
        : JSON.stringify(part)
    ).join(", ")
  }]`;
}

/** The number in a KvU64, or an error that names the key. */
export function u64Of(entry: Deno.KvEntry<unknown>): bigint {
  // By shape: a Deno.Kv from elsewhere (`@deno/kv`) has a KvU64 class of its own.
  const value = entry.value as { value?: unknown } | null;
  if (typeof value === "object" && value !== null && typeof value.value === "bigint") {
    return value.value;
  }
  throw foreignValue(entry.key, "a KvU64");
}

/** A KvU64 as the signed number it stands for. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/**
 * Bytes of a key as Deno KV encodes it: a string is a tag, its UTF-8 with each NUL doubled, and an
 * end; a number is a tag and 8 bytes; a boolean is a tag.
 * Source: denoland/denokv proto/codec.rs; `tests/storage/kv_test.ts` compares it with the real limit.
 */
export function encodedLength(key: readonly KeyPart[]): number {
  let bytes = 0;
  for (const part of key) {
    if (typeof part === "string") bytes += encodedStringLength(part);
    else bytes += typeof part === "number" ? ENCODED_NUMBER : ENCODED_BOOLEAN;
  }
  return bytes;
}

const ENCODED_NUMBER = 9;
const ENCODED_BOOLEAN = 1;
const ENCODED_STRING_FRAME = 2;

function encodedStringLength(text: string): number {
  let bytes = ENCODED_STRING_FRAME;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0) bytes += 2;
    else if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (isHighSurrogate(code) && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3; // a lone surrogate becomes U+FFFD, 3 bytes too
  }
  return bytes;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
