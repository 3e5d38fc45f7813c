/**
 * The replies of the wire protocol, written and read: `{"success":true}`,
 * `{"success":true,"data":…}`, `{"success":false,"error":"…"}`, each with the command's `id` if it had
 * one. Results have the shapes of the Rust server: where our `adv` is one result, the wire has two, a
 * `FloatHash` and then a `Summary` whose location ends in `:i`.
 *
 * Field names are data (`__proto__`, `constructor`, `toJSON`): they are only ever own properties of
 * objects without a prototype.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import type { MetricResult, ResultBucket } from "../engine/result.ts";
import type { MetricType } from "../storage/storage.ts";

/** The value of a metric on the wire. */
export type WireValue =
  | { readonly Count: number }
  | { readonly Hash: Record<string, number> }
  | { readonly FloatHash: Record<string, number> }
  | { readonly Summary: { readonly sum: number; readonly count: number } }
  | { readonly Ranked: readonly (readonly [string, number])[] };

/** A metric on the wire. */
export interface WireResult {
  /** `bmp`, `add`, `adv` or `top`. */
  readonly metric_type: MetricType;
  /** Property names, sorted. */
  readonly key: readonly string[];
  /** The seeds' key; `""` where buckets are merged. */
  readonly location: string;
  /** What was summed; null for all but `adv`. */
  readonly add_key: string | null;
  /** What was counted. */
  readonly result: WireValue;
}

/** A bucket on the wire. */
export interface WireBucket {
  /** The bucket's label. */
  readonly date: string;
  /** First unix second. */
  readonly timestamp: number;
  /** What the bucket holds. */
  readonly results: readonly WireResult[];
}

/** A reply that was read. */
export type Reply =
  | { readonly success: true; readonly data?: unknown }
  | { readonly success: false; readonly error: string };

/** The reply to a command that gives nothing but its success. */
export const OK_LINE = '{"success":true}\n';

/** The line for a command that succeeded; `id` is JSON text. */
export function okLine(data?: unknown, id?: string): string {
  if (data === undefined) return id === undefined ? OK_LINE : `{"success":true,"id":${id}}\n`;
  const tail = id === undefined ? "}\n" : `,"id":${id}}\n`;
  return `{"success":true,"data":${JSON.stringify(data)}${tail}`;
}

/** The line for a command that failed; `id` is JSON text. */
export function errorLine(error: unknown, id?: string): string {
  const tail = id === undefined ? "}\n" : `,"id":${id}}\n`;
  return `{"success":false,"error":${JSON.stringify(messageOf(error))}${tail}`;
}

/** A metric as the wire has it: two results for `adv`, one for others. */
export function toWire(result: MetricResult): WireResult[] {
  const { type, key, location } = result;
  const head = { metric_type: type, key, location, add_key: null };
  switch (result.type) {
    case "bmp":
      return [{ ...head, result: { Count: result.count } }];
    case "add":
      return [{ ...head, result: { Hash: result.counts } }];
    case "top":
      return [{ ...head, result: { Ranked: result.ranked } }];
    case "adv": {
      const { addKey: add_key, sums, sum, count } = result;
      return [
        { ...head, add_key, result: { FloatHash: sums } },
        {
          ...head,
          // A merged result has no location.
          location: location === "" ? "" : `${location}:i`,
          add_key,
          result: { Summary: { sum, count } },
        },
      ];
    }
  }
}

/** Buckets as the wire has them. */
export function bucketsToWire(buckets: readonly ResultBucket[]): WireBucket[] {
  return buckets.map(({ start, label, results }) => ({
    date: label,
    timestamp: start,
    results: results.flatMap(toWire),
  }));
}

/**
 * Reads a reply.
 *
 * @throws {ProtocolError} if the line is not one
 */
export function parseReply(line: string): Reply {
  if (line === '{"success":true}') return { success: true };
  let reply: unknown;
  try {
    reply = JSON.parse(line);
  } catch (cause) {
    throw new ProtocolError(`Cannot read the reply: it is not JSON: ${show(line)}`, { cause });
  }
  if (isObject(reply)) {
    if (reply.success === true) return { success: true, data: reply.data };
    if (reply.success === false && typeof reply.error === "string") {
      return { success: false, error: reply.error };
    }
  }
  throw new ProtocolError(
    `Cannot read the reply: wanted {"success":true,…} or {"success":false,"error":"…"}, received ${
      show(reply)
    }`,
  );
}

/**
 * Whether the text of an error reply to `record` says that the event was refused, as opposed to a
 * server that cannot record anything now. The wire has no other sign of it: the Rust server's errors
 * are text. How an EventError begins is held to this by the tests.
 */
export function isEventRefusal(error: string): boolean {
  return /^Cannot (record an event|read (at|time|property)\b)/.test(error);
}

/**
 * The results of a `find` reply, or of a bucket: an `adv`'s two results become one again.
 *
 * @throws {ProtocolError} if the data is not a list of results
 */
export function fromWire(data: unknown): MetricResult[] {
  if (!Array.isArray(data)) unexpected("a list of results", data);
  const results: MetricResult[] = [];
  const sums = new Map<string, { -readonly [K in keyof Adv]: Adv[K] }>();
  for (const entry of data) {
    const { type, key, location, addKey, value } = readResult(entry);
    const { Count, Hash, FloatHash, Summary, Ranked } = value;
    if (type === "bmp" && typeof Count === "number") {
      results.push({ type, key, location, count: Count });
    } else if (type === "add" && isObject(Hash)) {
      results.push({ type, key, location, counts: numbers(Hash) });
    } else if (type === "top" && Array.isArray(Ranked)) {
      results.push({ type, key, location, ranked: Ranked.map(readRank) });
    } else if (type === "adv" && (isObject(FloatHash) || isObject(Summary))) {
      const own = isObject(Summary) ? location.replace(/:i$/, "") : location;
      const name = JSON.stringify([own, key, addKey]);
      let adv = sums.get(name);
      if (adv === undefined) {
        adv = { type, key, location: own, addKey, sums: Object.create(null), sum: 0, count: 0 };
        sums.set(name, adv);
        results.push(adv);
      }
      if (isObject(FloatHash)) adv.sums = numbers(FloatHash);
      if (isObject(Summary)) {
        adv.sum = number(Summary.sum);
        adv.count = number(Summary.count);
      }
    } else {
      unexpected(`a result of ${type}`, entry);
    }
  }
  return results;
}

type Adv = Extract<MetricResult, { type: "adv" }>;

/**
 * The buckets of a `query` or `query_days` reply.
 *
 * @throws {ProtocolError} if the data is not a list of buckets
 */
export function bucketsFromWire(data: unknown): ResultBucket[] {
  if (!Array.isArray(data)) unexpected("a list of buckets", data);
  return data.map((bucket) => {
    if (!isObject(bucket) || typeof bucket.date !== "string") unexpected("a bucket", bucket);
    const { date, timestamp, results } = bucket;
    return { start: number(timestamp), label: date as string, results: fromWire(results) };
  });
}

function readResult(entry: unknown) {
  if (!isObject(entry) || !isObject(entry.result)) unexpected("a result", entry);
  const { metric_type: type, key, location, add_key: addKey, result: value } = entry;
  if (
    typeof type !== "string" || typeof location !== "string" || !Array.isArray(key) ||
    key.some((name) => typeof name !== "string")
  ) unexpected("a result", entry);
  return { type, key, location, addKey: typeof addKey === "string" ? addKey : "", value };
}

function readRank(entry: unknown): [string, number] {
  if (!Array.isArray(entry) || typeof entry[0] !== "string") unexpected("[member, score]", entry);
  return [entry[0], number(entry[1])];
}

function numbers(hash: Record<string, unknown>): Record<string, number> {
  const result: Record<string, number> = Object.create(null);
  for (const [field, value] of Object.entries(hash)) result[field] = number(value);
  return result;
}

function number(value: unknown): number {
  if (typeof value !== "number") unexpected("a number", value);
  return value;
}

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected(wanted: string, value: unknown): never {
  throw new ProtocolError(`Cannot read the reply: wanted ${wanted}, received ${show(value)}`);
}
