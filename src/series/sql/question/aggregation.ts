/**
 * `aggregation`: one number of many points.
 *
 * @module
 */
import { show } from "../../../base/show.ts";
import type { FieldType } from "../../points/batch.ts";
import type { Asked } from "./asked.ts";
import { type Json, quoteName, readInteger, readObject, readText, refuse } from "./reading.ts";

/** How it is said in SQL. */
export interface AggregateCall {
  readonly expression: string;
  /** The name of its column. */
  readonly name: string;
  /** The expression for the start of a point's span; undefined: there is one span. */
  readonly bucket: string | undefined;
}

/** By name without `_` and case: how it is called in SQL. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  count: "count",
  sum: "sum",
  mean: "mean",
  avg: "mean",
  min: "min",
  max: "max",
  first: "first",
  last: "last",
  stddev: "stddev",
  variance: "variance",
  median: "median",
};

/** Those that take any field; the others want numbers. */
const OF_ALL: readonly string[] = ["count", "min", "max", "first", "last"];
const NUMBERS: readonly FieldType[] = ["float", "integer", "unsigned"];

/** Twice as much would not fit into a BIGINT. */
const MAX_INTERVAL_NS = 2n ** 62n;

/** Reads it. */
export function readAggregation(value: Json, { fields }: Asked): AggregateCall {
  const given = readObject(value, "aggregation", ["function", "field", "interval_nanos"]);
  const { name, expression } = readFunction(given.function);
  const bucket = readInterval(given.interval_nanos);
  if (given.field === undefined || given.field === null) {
    if (name !== "count") refuse(`aggregation.field is missing; ${name} needs one`);
    return { expression: "count(*)", name: "count", bucket };
  }
  const text = readText(given.field, "aggregation.field");
  const field = fields.get(text);
  if (field === undefined) {
    const known = [...fields.keys()].slice(0, 10).map(show).join(", ");
    refuse(`there is no field ${show(text)}${known === "" ? "" : `; there is ${known}`}`);
  }
  if (!OF_ALL.includes(name) && !NUMBERS.includes(field.type)) {
    refuse(`${name} wants a field of numbers, and ${show(text)} is ${field.type}`);
  }
  return { expression: expression(quoteName(field.column)), name: `${name}(${text})`, bucket };
}

interface Function {
  readonly name: string;
  readonly expression: (column: string) => string;
}

function readFunction(value: Json): Function {
  if (typeof value === "object" && value !== null) {
    const { Percentile } = readObject(value, "aggregation.function", ["Percentile"]);
    return percentile(Number((Percentile as { rawJSON?: string })?.rawJSON ?? Percentile), value);
  }
  const text = readText(value, "aggregation.function");
  const name = text.toLowerCase().replaceAll("_", "");
  if (Object.hasOwn(FUNCTIONS, name)) {
    const call = FUNCTIONS[name];
    return { name: call, expression: (column) => `${call}(${column})` };
  }
  const match = /^(?:percentile[_(]?|p)(\d+(?:[._]\d+)?)\)?$/i.exec(text);
  return percentile(match === null ? NaN : Number(match[1].replace("_", ".")), value);
}

function percentile(percent: number, value: Json): Function {
  if (!(percent >= 0 && percent <= 100)) {
    refuse(
      `aggregation.function is Count, Sum, Mean, Min, Max, First, Last, StdDev, Variance, Median or ` +
        `Percentile_95 (0 to 100), received ${show(value)}`,
    );
  }
  return {
    name: `percentile_${percent}`,
    expression: (column) => `percentile(${column}, ${percent.toFixed(6)})`,
  };
}

function readInterval(value: Json): string | undefined {
  if (value === undefined || value === null) return undefined;
  const ns = readInteger(value);
  if (ns === undefined || ns < 1n || ns > MAX_INTERVAL_NS) {
    refuse(`aggregation.interval_nanos is a whole number from 1, received ${show(value)}`);
  }
  // In whole numbers: an INTERVAL of DuckDB has no nanoseconds. The second % is for times before 1970.
  const past = `((epoch_ns(time) % ${ns}) + ${ns}) % ${ns}`;
  return `make_timestamp_ns(epoch_ns(time) - ${past})`;
}
