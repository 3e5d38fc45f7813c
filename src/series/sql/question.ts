/**
 * A question as JSON, as RusTs takes it, and the SQL that answers it.
 *
 * ```json
 * {
 *   "measurement": "cpu",
 *   "time_range": { "start": 1609459200000000000, "end": "2021-01-02" },
 *   "tag_filters": [{ "key": "host", "op": "In", "value": ["a", "b"] }],
 *   "aggregation": { "function": "Mean", "field": "usage", "interval_nanos": 60000000000 },
 *   "group_by": ["host"], "order": "asc", "limit": 100, "offset": 0
 * }
 * ```
 *
 * What is not known is refused, whether it is a property, a tag or a field: a typo must not give an empty
 * answer.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { type AggregateCall, readAggregation } from "./question/aggregation.ts";
import type { Asked } from "./question/asked.ts";
import { readFilters } from "./question/filters.ts";
import {
  type Json,
  quoteName,
  readList,
  readObject,
  readText,
  readWhole,
  refuse,
} from "./question/reading.ts";
import { readTimeRange } from "./question/time_range.ts";
import type { SqlParameter } from "./session.ts";

/** A question; `docs/series.md` says what each property means. */
export interface Question {
  /** What was measured. */
  readonly measurement: string;
  /** From `start` on, and before `end`: unix nanoseconds, or text such as `2024-01-01T10:00:00Z`. */
  readonly time_range?: {
    readonly start?: number | bigint | string;
    readonly end?: number | bigint | string;
  };
  /** All of them must hold. */
  readonly tag_filters?: readonly TagFilter[];
  /** Without an aggregation: the fields to give. Default all. */
  readonly fields?: readonly string[];
  /** One number of many points. */
  readonly aggregation?: Aggregation;
  /** Tags: one number for each of their values. */
  readonly group_by?: readonly string[];
  /** By time. Default `asc`. */
  readonly order?: "asc" | "desc";
  /** How many rows at most. */
  readonly limit?: number;
  /** How many rows are left out before. */
  readonly offset?: number;
}

/** What a tag must be. */
export interface TagFilter {
  /** The tag. */
  readonly key: string;
  /** A series without the tag is not equal to anything, and in no list. */
  readonly op: "Eq" | "Ne" | "In" | "NotIn" | "Exists" | "Regex";
  /** A text; a list of them for `In` and `NotIn`; nothing for `Exists`. */
  readonly value?: string | readonly string[];
}

/** How points become one number. */
export interface Aggregation {
  /** `Count`, `Sum`, `Mean`, `Min`, `Max`, `First`, `Last`, `StdDev`, `Variance`, `Median`, `Percentile_95` … */
  readonly function: string | { readonly Percentile: number };
  /** Of which field. `Count` without one counts points. */
  readonly field?: string;
  /** One number for each span of so many nanoseconds, counted from 1970. */
  readonly interval_nanos?: number | bigint;
}

/** A statement with its parameters. */
export interface QuestionSql {
  /** With `$1`, `$2` … */
  readonly sql: string;
  /** Their values. */
  readonly parameters: readonly SqlParameter[];
}

const PROPERTIES = [
  "measurement",
  "time_range",
  "tag_filters",
  "fields",
  "aggregation",
  "group_by",
  "order",
  "limit",
  "offset",
];

/** The measurement of a question. @throws {TypeError} it has none */
export function measurementOf(question: unknown): string {
  return readText(readObject(question, "the question", PROPERTIES).measurement, "measurement");
}

/**
 * The SQL of a question.
 *
 * @throws {TypeError} it has not the shape of one
 * @throws {RangeError} it names what is not there
 */
export function toSql(question: unknown, asked: Asked): QuestionSql {
  const given = readObject(question, "the question", PROPERTIES);
  const parameters: SqlParameter[] = [];
  const conditions = [
    ...readTimeRange(given.time_range, parameters),
    ...readFilters(given.tag_filters, asked, parameters),
  ];
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const from = ` FROM main.${quoteName(asked.table)}${where}`;
  const order = readOrder(given.order);
  const bounds = boundsOf(given);
  if (given.aggregation === undefined) {
    if (given.group_by !== undefined) refuse("group_by needs an aggregation");
    const columns = selected(given.fields, asked);
    return { sql: `SELECT ${columns}${from} ORDER BY time ${order}${bounds}`, parameters };
  }
  if (given.fields !== undefined) refuse("fields and aggregation do not go together");
  const call = readAggregation(given.aggregation, asked);
  const tags = readTags(given.group_by, asked);
  return { sql: aggregated(call, tags, from, order) + bounds, parameters };
}

function aggregated(
  { expression, name, bucket }: AggregateCall,
  tags: readonly string[],
  from: string,
  order: string,
): string {
  // By number: a tag may be called as an alias is.
  const keys = [...(bucket === undefined ? [] : [`${bucket} AS time`]), ...tags];
  const numbers = keys.map((_, i) =>
    `${i + 1}${i === 0 && bucket !== undefined ? ` ${order}` : ""}`
  );
  const columns = [...keys, `${expression} AS ${quoteName(name)}`].join(", ");
  const group = keys.length === 0 ? "" : ` GROUP BY ${keys.map((_, i) => i + 1).join(", ")}`;
  const sorting = keys.length === 0 ? "" : ` ORDER BY ${numbers.join(", ")}`;
  return `SELECT ${columns}${from}${group}${sorting}`;
}

function selected(given: Json, { tags, fields }: Asked): string {
  const names = given === undefined
    ? [...fields.values()]
    : readList(given, "fields", readText).map((name) =>
      fields.get(name) ?? refuse(`there is no field ${show(name)}${thereIs(fields)}`)
    );
  if (names.length === 0) refuse("fields is empty; leave it out for all of them");
  const columns = [...tags.values(), ...names].map(({ column }) => quoteName(column));
  return ["time", ...columns].join(", ");
}

function readTags(given: Json, { tags }: Asked): string[] {
  if (given === undefined) return [];
  return [...new Set(readList(given, "group_by", readText))].map((name) => {
    const tag = tags.get(name) ?? refuse(`there is no tag ${show(name)}${thereIs(tags)}`);
    return quoteName(tag.column);
  });
}

/** What there is instead, for who has mistyped a name. */
function thereIs(names: ReadonlyMap<string, unknown>): string {
  const shown = [...names.keys()].slice(0, 10).map(show).join(", ");
  return names.size === 0 ? "" : `; there is ${shown}${names.size > 10 ? " and others" : ""}`;
}

function readOrder(given: Json): "ASC" | "DESC" {
  if (given === undefined || given === "asc") return "ASC";
  if (given === "desc") return "DESC";
  return refuse(`order is "asc" or "desc", received ${show(given)}`);
}

function boundsOf({ limit, offset }: Readonly<Record<string, Json>>): string {
  return (limit === undefined ? "" : ` LIMIT ${readWhole(limit, "limit")}`) +
    (offset === undefined ? "" : ` OFFSET ${readWhole(offset, "offset")}`);
}
