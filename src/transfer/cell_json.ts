/**
 * A cell as one line of JSON, and back, exactly.
 *
 * | cell   | members besides `type`, `unit`, `start`, `pattern`              |
 * | ------ | --------------------------------------------------------------- |
 * | count  | `field`, `count`                                                |
 * | sum    | `addKey`, `field`, `sum`: a decimal string, `"-20.5"`           |
 * | tally  | `addKey`, `count`                                               |
 * | sketch | `sketch`: base64 of the bytes that Redis keeps of a HyperLogLog |
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { microsFromString, microsToString } from "../base/decimal.ts";
import { show } from "../base/show.ts";
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import { malformed } from "../storage/cells.ts";
import type { Cell, Metric, MetricType, Unit } from "../storage/storage.ts";

/** A cell as JSON can say it. */
export interface PlainCell {
  readonly type: MetricType;
  readonly unit: Unit;
  readonly start: number;
  readonly pattern: string;
  readonly addKey?: string;
  readonly field?: string;
  readonly count?: number;
  readonly sum?: string;
  readonly sketch?: string;
}

/** Members that each kind has besides those of every cell, by what tells it apart. */
const MEMBERS = ["type", "unit", "start", "pattern", "addKey", "field", "count", "sum", "sketch"];

/** The cell as an object that JSON keeps whole. */
export function plainCell(cell: Cell): PlainCell {
  const { metric: { type, pattern, addKey }, unit, start } = cell;
  const place = {
    type,
    unit,
    start: start + 0,
    pattern,
    ...addKey === undefined ? {} : { addKey },
  };
  switch (cell.kind) {
    case "count":
      return { ...place, field: cell.field, count: cell.count };
    case "sum":
      return { ...place, field: cell.field, sum: microsToString(cell.sum) };
    case "tally":
      return { ...place, count: cell.count };
    case "sketch":
      return { ...place, sketch: cell.sketch.toBase64() };
  }
}

/** The cell as a line, without its end. */
export function cellLine(cell: Cell): string {
  return JSON.stringify(plainCell(cell));
}

/**
 * The cell in what {@linkcode plainCell} gave, after it went through JSON.
 *
 * @throws {TypeError} saying what is wrong with it
 */
export function cellOf(value: unknown): Cell {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong("wanted a JSON object", value);
  }
  const given = new Map(Object.entries(value));
  for (const name of given.keys()) {
    if (!MEMBERS.includes(name)) throw wrong(`wanted only ${MEMBERS.join(", ")}`, name);
  }
  const type = oneOf(given, "type", ["bmp", "add", "adv", "top"]);
  const unit = oneOf(given, "unit", ["d", "h"]);
  const start = take(given, "start", "number", "a whole unix second");
  const pattern = take(given, "pattern", "string", "text");
  const metric: Metric = type === "adv"
    ? { type, pattern, addKey: take(given, "addKey", "string", "text") }
    : { type, pattern };
  const cell = withValue({ metric, unit, start }, given);
  if (given.size > 0) {
    throw wrong(`wanted no such member beside the others of ${type}`, [...given.keys()][0]);
  }
  const error = malformed(cell);
  if (error !== null) throw new TypeError(`Cannot read a cell: ${error.message}`, { cause: error });
  return cell;
}

function withValue(
  place: { readonly metric: Metric; readonly unit: Unit; readonly start: number },
  given: Map<string, unknown>,
): Cell {
  const { type } = place.metric;
  if (type === "bmp") return { kind: "sketch", ...place, sketch: takeSketch(given) };
  if (type === "adv" && !given.has("field")) {
    return { kind: "tally", ...place, count: takeCount(given) };
  }
  const field = take(given, "field", "string", "text");
  if (type !== "adv") return { kind: "count", ...place, field, count: takeCount(given) };
  const text = take(given, "sum", "string", "a decimal as text");
  const sum = microsFromString(text);
  if (sum === undefined) {
    throw wrong('wanted a decimal such as "-20.5" with at most six places as sum', text);
  }
  return { kind: "sum", ...place, field, sum };
}

function takeCount(given: Map<string, unknown>): number {
  return take(given, "count", "number", "a whole number");
}

function takeSketch(given: Map<string, unknown>): Uint8Array {
  const text = take(given, "sketch", "string", "base64");
  try {
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    HyperLogLog.fromBytes(bytes);
    return bytes;
  } catch (cause) {
    throw new TypeError(`Cannot read a cell: its sketch is damaged: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function oneOf<const T extends string>(
  given: Map<string, unknown>,
  name: string,
  words: readonly T[],
): T {
  const value = given.get(name);
  const word = words.find((word) => word === value);
  if (word === undefined) throw wrong(`wanted ${words.join(" or ")} as ${name}`, value);
  given.delete(name);
  return word;
}

function take(given: Map<string, unknown>, name: string, type: "string", what: string): string;
function take(given: Map<string, unknown>, name: string, type: "number", what: string): number;
function take(given: Map<string, unknown>, name: string, type: string, what: string): unknown {
  const value = given.get(name);
  // deno-lint-ignore valid-typeof -- one of the two of the overloads
  if (typeof value !== type) throw wrong(`wanted ${what} as ${name}`, value);
  given.delete(name);
  return value;
}

function wrong(wanted: string, received: unknown): TypeError {
  return new TypeError(`Cannot read a cell: ${wanted}, received ${show(received)}`);
}
