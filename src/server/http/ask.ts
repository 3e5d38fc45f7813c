/**
 * The questions of `GET /query` and `GET /find`, and the answers: JSON in the shapes of the wire
 * protocol, CSV, or rows for those who draw charts.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { Calendar } from "../../engine/bucket.ts";
import type { QueryDaysOptions } from "../../engine/query.ts";
import type { QueryResult } from "../../engine/result.ts";
import {
  type MetricPath,
  type MetricSelector,
  type ReadSelector,
  readSelector,
} from "../../engine/selector.ts";
import { DAY, MAX_UNIX_SECONDS, MIN_UNIX_SECONDS, parseDate } from "../../engine/time.ts";
import { toCsv } from "../../protocol/csv.ts";
import type { Moment } from "../../protocol/moment.ts";
import { bucketsToWire, toWire } from "../../protocol/replies.ts";
import {
  type Answer,
  answerOf,
  cellsOf,
  fieldColumns,
  mergedAnswer,
  rowsOf,
} from "../../protocol/rows.ts";
import type { Traqq } from "../../traqq.ts";
import { checkParameters, oneOf, type Precision, readPrecision, readTime } from "./parameters.ts";
import { json, Problem, text } from "./problem.ts";

/** What is asked. */
type Asked = Pick<Traqq, "query" | "queryDays" | "timezone">;

type Format = "json" | "csv" | "rows";

interface Question {
  readonly days: number | undefined;
  readonly from: number;
  readonly to: number;
  readonly filter: QueryDaysOptions;
  /** Only with `/find`. */
  readonly find: ReadSelector | undefined;
  readonly merge: boolean;
  readonly format: Format;
  readonly precision: Precision;
  readonly escapeFormulas: boolean;
}

/** Parameters of `/query`; those with `true` may stand several times. */
const QUERY_PARAMETERS: Readonly<Record<string, boolean>> = {
  from: false,
  to: false,
  days: false,
  unit: false,
  accept: true,
  allow: true,
  ignore: true,
  format: false,
  precision: false,
  escape_formulas: false,
};

/** As in `traqq query`. */
const DEFAULT_DAYS = 7;
/** No clock is further from UTC than this. */
const MARGIN = 2 * DAY;

/** The names of the parameters of a path. */
export function parametersOf(path: "/query" | "/find"): string[] {
  return [...Object.keys(QUERY_PARAMETERS), ...path === "/find" ? ["q", "merge"] : []];
}

/**
 * Answers `GET /query` or `GET /find`.
 *
 * @throws {Problem} 400, and whatever the query throws
 */
export async function answer(
  traqq: Asked,
  path: "/query" | "/find",
  url: URL,
  accept: string | null,
): Promise<Response> {
  const asked = readQuestion(traqq, path, url.searchParams, accept);
  const { days, from, to, filter, find } = asked;
  const narrowed = find === undefined ? filter : { ...filter, select: selectorOf(find) };
  const result = days === undefined
    // As dates: bare numbers of the year 5138 and later would be taken for milliseconds.
    ? await traqq.query({ from: new Date(from * 1000), to: new Date(to * 1000), ...narrowed })
    : await traqq.queryDays(days, narrowed);
  if (asked.format === "json") return json(toJson(result, asked));
  const found = asked.merge && find !== undefined
    ? mergedAnswer(result.mergedAll(selectorOf(find)), find)
    : answerOf(result.buckets, find);
  if (asked.format === "rows") return json([...toRows(found, asked.precision)]);
  const lines = toCsv(found, { escapeFormulas: asked.escapeFormulas });
  return text([...lines].join(""), "text/csv; charset=utf-8");
}

function readQuestion(
  traqq: Asked,
  path: "/query" | "/find",
  parameters: URLSearchParams,
  accept: string | null,
): Question {
  const names = parametersOf(path);
  checkParameters(parameters, names, names.filter((name) => QUERY_PARAMETERS[name]));
  const precision = readPrecision(parameters);
  const unit = oneOf(parameters, "unit", ["d", "h"]);
  const filter: QueryDaysOptions = {
    ...unit === undefined ? {} : { unit },
    ...parameters.has("accept") ? { accept: parameters.getAll("accept") } : {},
    ...parameters.has("allow") ? { allow: parameters.getAll("allow") } : {},
    ...parameters.has("ignore") ? { ignore: parameters.getAll("ignore") } : {},
  };
  const format = oneOf(parameters, "format", ["json", "csv", "rows"]) ??
    (/\btext\/csv\b/i.test(accept ?? "") ? "csv" : "json");
  const escapeFormulas = oneOf(parameters, "escape_formulas", ["true", "false"]) === "true";
  if (escapeFormulas && format !== "csv") {
    throw new Problem(400, "Cannot escape formulas: that is for CSV; give format=csv too");
  }
  return {
    ...readRange(traqq, parameters, precision),
    filter,
    find: path === "/find" ? readFind(parameters) : undefined,
    merge: oneOf(parameters, "merge", ["true", "false"]) === "true",
    format,
    precision,
    escapeFormulas,
  };
}

function readRange(
  traqq: Asked,
  parameters: URLSearchParams,
  precision: Precision,
): Pick<Question, "days" | "from" | "to"> {
  const from = parameters.get("from"), to = parameters.get("to"), days = parameters.get("days");
  if (from === null) {
    if (to !== null) throw new Problem(400, "Cannot query: to is given without from; give both");
    return { days: readDays(days), from: 0, to: 0 };
  }
  if (days !== null) throw new Problem(400, "Cannot query: give days, or from and to, not both");
  return {
    days: undefined,
    from: rangeOf(traqq, readTime("from", from, precision)).from,
    to: to === null
      ? Math.floor(Date.now() / 1000)
      : rangeOf(traqq, readTime("to", to, precision)).to,
  };
}

function readDays(value: string | null): number {
  if (value === null) return DEFAULT_DAYS;
  if (!/^[1-9]\d{0,8}$/.test(value)) {
    throw new Problem(
      400,
      `Cannot query: wanted days to be a whole number from 1, received ${show(value)}`,
    );
  }
  return Number(value);
}

/** A day from its first to its last second, in the zone of the data. */
function rangeOf({ timezone }: Asked, moment: Moment): { from: number; to: number } {
  if (moment.kind === "instant") return { from: moment.seconds, to: moment.seconds };
  const calendar = new Calendar(timezone);
  const midnight = parseDate(moment.date) * DAY;
  const near = calendar.buckets(
    "d",
    Math.max(MIN_UNIX_SECONDS, midnight - MARGIN),
    Math.min(MAX_UNIX_SECONDS, midnight + DAY + MARGIN),
    10,
  );
  const day = near.find((bucket) => calendar.label(bucket) === moment.date);
  if (day === undefined) {
    throw new Problem(400, `Cannot query: there is no ${moment.date} in the time zone ${timezone}`);
  }
  return { from: day.start, to: Math.min(MAX_UNIX_SECONDS, day.end - 1) };
}

function readFind(parameters: URLSearchParams): ReadSelector {
  const path = parameters.get("q");
  if (path === null) {
    throw new Problem(400, "Cannot find a metric: q is missing, such as q=add/event~geo");
  }
  return readSelector(path as MetricPath);
}

/** As a query takes it. */
function selectorOf({ type, pattern, addKey }: ReadSelector): MetricSelector {
  return { type, key: pattern, ...addKey === undefined ? {} : { addKey } };
}

function toJson(result: QueryResult, { find, merge, precision }: Question): unknown {
  if (find === undefined) {
    return bucketsToWire(result.buckets).map((bucket) => ({
      ...bucket,
      timestamp: inPrecision(bucket.timestamp, precision),
    }));
  }
  const selector = selectorOf(find);
  return (merge ? result.mergedAll(selector) : result.find(selector)).flatMap(toWire);
}

/** A row per field: a table for those who take an array of flat objects. */
function* toRows(found: Answer, precision: Precision): Generator<object> {
  const names = fieldColumns(found, ["date", "timestamp", "value"]);
  for (const entry of found.entries) {
    const { bucket, result } = entry;
    for (const one of rowsOf(result)) {
      // Without a prototype: a property may be called __proto__.
      const row: Record<string, string | number> = Object.create(null);
      if (bucket !== undefined) {
        row.date = bucket.label;
        row.timestamp = inPrecision(bucket.start, precision);
      }
      const cells = cellsOf(found, entry, one);
      names.forEach((name, i) => row[name] = cells[i]);
      row.value = one.value;
      yield row;
    }
  }
}

function inPrecision(seconds: number, precision: Precision): number {
  return precision === "ms" ? seconds * 1000 : seconds;
}
