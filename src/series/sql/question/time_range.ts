/**
 * `time_range`: from its start on, and before its end.
 *
 * @module
 */
import { show } from "../../../base/show.ts";
import type { SqlParameter } from "../session.ts";
import { isExact } from "../gate/exact_json.ts";
import { type Json, readInteger, readObject, refuse } from "./reading.ts";

const MAX_NS = 2n ** 63n - 1n;
const TEXT =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** Conditions of SQL; what they need is added to the parameters. */
export function readTimeRange(value: Json, parameters: SqlParameter[]): string[] {
  if (value === undefined || value === null) return [];
  const { start, end } = readObject(value, "time_range", ["start", "end"]);
  const conditions: string[] = [];
  const [from, to] = [readMoment(start, "start"), readMoment(end, "end")];
  if (from !== undefined && to !== undefined && from > to) {
    refuse(`time_range ends (${to}) before it starts (${from})`);
  }
  if (from !== undefined) {
    conditions.push(`time >= make_timestamp_ns($${parameters.push(from)}::BIGINT)`);
  }
  // The end of all times is no end: a point there is in it.
  if (to !== undefined && to < MAX_NS) {
    conditions.push(`time < make_timestamp_ns($${parameters.push(to)}::BIGINT)`);
  }
  return conditions;
}

/** Unix nanoseconds. */
function readMoment(value: Json, what: string): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const ns = readInteger(value) ?? (typeof value === "string" ? nsOf(value) : undefined);
  if (ns === undefined || ns < -MAX_NS - 1n || ns > MAX_NS) {
    const received = show(isExact(value) ? value.rawJSON : value);
    refuse(
      `time_range.${what} is unix nanoseconds or a time such as 2024-01-01T10:00:00Z, received ${received}`,
    );
  }
  return ns;
}

function nsOf(text: string): bigint | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  const [, date, time = "00:00:00", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  // V8 takes February 31 for March 3.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(ms) || Number.isNaN(day.getTime())) return undefined;
  if (day.toISOString().slice(0, 10) !== date) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
