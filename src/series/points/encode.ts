/**
 * Points as line protocol. What it cannot say is refused: a text that comes back as another would be a
 * wrong number.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import type { Point, PointValue } from "./point.ts";
import { MAX_TIME_NS, MIN_TIME_NS } from "./numbers.ts";

const MAX_INTEGER = 2n ** 63n - 1n;
const MAX_UNSIGNED = 2n ** 64n - 1n;

/** A point as a line, without a line feed behind it; its time in nanoseconds. @throws {RangeError} */
export function encodePoint({ measurement, tags = {}, fields, time }: Point): string {
  const head = encodeKey(measurement, Object.entries(tags));
  const values: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) values.push(`${encodeFieldKey(key)}=${encodeValue(key, value)}`);
  }
  if (values.length === 0) {
    throw new RangeError(
      `Cannot write a point of ${show(measurement)}: it has no field; give it at least one`,
    );
  }
  const line = `${head} ${values.join(",")}`;
  return time === undefined ? line : `${line} ${timeOf(time)}`;
}

/** What a line begins with: the measurement and its tags. @throws {RangeError} */
export function encodeKey(
  measurement: string,
  tags: Iterable<readonly [key: string, value: string | undefined]>,
): string {
  let key = nameOf("measurement", measurement, /[, ]/g);
  if (measurement.startsWith("#")) {
    throw new RangeError(
      `Cannot write the measurement ${show(measurement)}: a line that begins with # is a comment`,
    );
  }
  for (const [tag, value] of tags) {
    if (value === undefined) continue;
    const text = nameOf(`value of the tag ${show(tag)}`, value, /[, =]/g);
    key += `,${keyOf("tag", tag)}=${text}`;
  }
  return key;
}

/** The key of a field, as it stands in a line. @throws {RangeError} */
export function encodeFieldKey(key: string): string {
  return keyOf("field", key);
}

/** Points as lines, each with a line feed behind it. @throws {RangeError} */
export function encodePoints(points: Iterable<Point>): string {
  let text = "";
  for (const point of points) text += `${encodePoint(point)}\n`;
  return text;
}

function keyOf(what: "tag" | "field", key: string): string {
  if (key === "time") {
    throw new RangeError(`Cannot write a ${what} "time": the time is called so; call it otherwise`);
  }
  return nameOf(`name of the ${what}`, key, /[, =]/g);
}

/** A name with a backslash before what has a meaning. */
function nameOf(what: string, name: string, special: RegExp): string {
  const why = typeof name !== "string"
    ? "it is no text"
    : name === ""
    ? "it is empty"
    : /[\r\n]/.test(name)
    ? "it has a line break"
    // It would take away the meaning of what follows.
    : name.endsWith("\\")
    ? "it ends in a backslash"
    : !name.isWellFormed()
    ? "it has half a character"
    : undefined;
  if (why === undefined) return name.replaceAll(special, "\\$&");
  throw new RangeError(
    `Cannot write the ${what} ${show(name)}: ${why}, which line protocol cannot say; change it`,
  );
}

/** A value of a field, as it stands in a line. @throws {RangeError} */
export function encodeValue(key: string, value: PointValue): string {
  if (typeof value === "number") {
    if (Number.isFinite(value)) return String(value);
    throw new RangeError(`Cannot write the field ${show(key)}: ${value} is no number to keep`);
  }
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "bigint") {
    if (value <= MAX_INTEGER && value >= -MAX_INTEGER - 1n) return `${value}i`;
    throw new RangeError(
      `Cannot write the field ${
        show(key)
      }: ${value} has more than 64 bits; write { unsigned: … } or a number`,
    );
  }
  if (typeof value === "string") {
    if (value.isWellFormed()) return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
    throw new RangeError(`Cannot write the field ${show(key)}: it has half a character; mend it`);
  }
  const unsigned = value?.unsigned;
  if (typeof unsigned === "bigint" && unsigned >= 0n && unsigned <= MAX_UNSIGNED) {
    return `${unsigned}u`;
  }
  throw new RangeError(
    `Cannot write the field ${
      show(key)
    }: wanted a number, bigint, string, boolean or { unsigned: bigint }, received ${show(value)}`,
  );
}

function timeOf(time: Date | bigint): bigint {
  const ms = time instanceof Date ? time.getTime() : 0;
  const ns = typeof time === "bigint"
    ? time
    : Number.isInteger(ms)
    ? BigInt(ms) * 1_000_000n
    : undefined;
  if (ns !== undefined && ns >= MIN_TIME_NS && ns <= MAX_TIME_NS) return ns;
  throw new RangeError(
    `Cannot write a point at ${
      show(String(time))
    }: wanted a Date or unix nanoseconds as a bigint, from 1677 to 2262`,
  );
}
