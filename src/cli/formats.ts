/**
 * The formats of `query`. `json` has the shape of the library's results; `ndjson` has a row per
 * field, for other programs, as CSV does (`src/protocol/csv.ts`); `table` is for people.
 *
 * @module
 */
import type { MetricResult, ResultBucket } from "../engine/result.ts";
import { type Answer, meanOf, pathOf, type Row, rowsOf, valueName } from "../protocol/rows.ts";
import { decimalsOf, formatNumber } from "./draw/number.ts";
import { type Column, drawTable } from "./draw/table.ts";
import { harmlessJson, wrap } from "./draw/text.ts";
import type { Terminal } from "./terminal.ts";

/** The whole answer as one JSON array. */
export function toJson(answer: Answer): string {
  const items = listed(answer).map((item) => `  ${harmlessJson(JSON.stringify(item))}`);
  return items.length === 0 ? "[]\n" : `[\n${items.join(",\n")}\n]\n`;
}

/** One object a line, one line a row: the same members whatever the metric. */
export function* toNdjson(answer: Answer): Generator<string> {
  for (const { bucket, result } of answer.entries) {
    const head = {
      ...(bucket === undefined ? {} : { date: bucket.label, start: bucket.start }),
      type: result.type,
      key: result.key,
      ...(result.type === "adv" ? { addKey: result.addKey } : {}),
    };
    for (const { field, value } of rowsOf(result)) {
      yield `${harmlessJson(JSON.stringify({ ...head, field, value }))}\n`;
    }
  }
}

function listed({ buckets, entries, find }: Answer): unknown[] {
  if (find === undefined) {
    return buckets.map(({ start, label, results }) => ({ date: label, start, results }));
  }
  return entries.map(({ bucket, result }) =>
    bucket === undefined ? result : { date: bucket.label, start: bucket.start, ...result }
  );
}

/** Tables for people: at most `limit` rows of each metric and bucket (0: all). */
export function toTable(answer: Answer, limit: number, terminal: Terminal): string {
  const { columns: width, style } = terminal;
  const lines = answer.find === undefined
    ? bucketTable(answer, limit, terminal)
    : metricTable(answer, limit, terminal);
  if (lines.length === 0) return `${style.dim("Nothing was recorded there.")}\n`;
  for (const { bucket, result } of answer.entries) {
    if (bucket === undefined && result.type === "adv") {
      lines.push("", ...totals(result, terminal));
    }
  }
  const empty = emptyRuns(answer.buckets.filter(isEmptyIn(answer)));
  if (empty.length > 0) {
    const text = `Nothing in ${empty.join(", ")}`;
    lines.push("", ...wrap(text, width ?? 80).map(style.dim));
  }
  return `${lines.join("\n")}\n`;
}

/** One metric: a column for each of its properties. */
function metricTable({ entries }: Answer, limit: number, terminal: Terminal): string[] {
  const paths = [...new Set(entries.map(({ result }) => pathOf(result)))];
  const lines: string[] = [];
  for (const path of paths) {
    const own = entries.filter(({ result }) => pathOf(result) === path);
    const first = own[0].result;
    const isMerged = own[0].bucket === undefined;
    const columns: Column[] = [
      ...(isMerged ? [] : [bucketColumn(own[0].bucket!)]),
      ...(first.type === "bmp" ? [] : first.key.map((title) => ({ title }))),
      { title: first.type === "adv" ? `sum of ${first.addKey}` : valueName(first), align: "right" },
    ];
    const rows: string[][] = [];
    const write = numbers(own.flatMap(({ result }) => shown(rowsOf(result), limit)), terminal);
    for (const { bucket, result } of own) {
      const label = isMerged ? [] : [bucket!.label];
      const all = rowsOf(result);
      shown(all, limit).forEach(({ field, value }, i) => {
        rows.push([...label.map((text) => i === 0 ? text : ""), ...field, write(value)]);
      });
      const more = all.length - shown(all, limit).length;
      if (more > 0) rows.push(moreRow(columns.length, label.length, more));
    }
    if (lines.length > 0) lines.push("");
    if (paths.length > 1) lines.push(terminal.style.cyan(path));
    lines.push(...drawTable(columns, rows, { width: terminal.columns, style: terminal.style }));
  }
  return lines;
}

/** Everything: a table with the metric's name in a column. */
function bucketTable({ entries }: Answer, limit: number, terminal: Terminal): string[] {
  const rows: string[][] = [];
  let label = "";
  for (const { bucket, result } of entries) {
    const all = rowsOf(result);
    const write = numbers(shown(all, limit), terminal);
    shown(all, limit).forEach(({ field, value }, i) => {
      rows.push([
        bucket!.label === label ? "" : bucket!.label,
        i === 0 ? pathOf(result) : "",
        field.join(" ~ "),
        write(value),
      ]);
      label = bucket!.label;
    });
    const more = all.length - shown(all, limit).length;
    if (more > 0) rows.push(moreRow(4, 2, more));
  }
  if (rows.length === 0) return [];
  const columns: Column[] = [
    bucketColumn(entries[0].bucket!),
    { title: "metric" },
    { title: "field" },
    { title: "value", align: "right" },
  ];
  return drawTable(columns, rows, { width: terminal.columns, style: terminal.style });
}

function bucketColumn({ label }: ResultBucket): Column {
  return { title: label.includes("T") ? "hour" : "date", whole: true };
}

function moreRow(columns: number, at: number, more: number): string[] {
  const row = new Array<string>(columns).fill("");
  row[at] = `… ${formatNumber(more, { grouped: true })} more`;
  return row;
}

function shown(rows: readonly Row[], limit: number): readonly Row[] {
  return limit > 0 ? rows.slice(0, limit) : rows;
}

/** On a terminal, grouped and with the decimal points below each other. */
function numbers(rows: readonly Row[], terminal: Terminal): (value: number) => string {
  if (terminal.columns === undefined) return (value) => formatNumber(value, { grouped: false });
  const decimals = rows.reduce((most, { value }) => Math.max(most, decimalsOf(value)), 0);
  return (value) => formatNumber(value, { grouped: true }, decimals);
}

function totals(result: Extract<MetricResult, { type: "adv" }>, terminal: Terminal): string[] {
  const grouped = terminal.columns !== undefined;
  const mean = meanOf(result);
  const parts = [
    `sum ${formatNumber(result.sum, { grouped })}`,
    `over ${formatNumber(result.count, { grouped })} values`,
    ...(mean === undefined ? [] : [`mean ${formatNumber(mean, { grouped }, 2)}`]),
  ];
  return wrap(`${result.addKey}: ${parts.join(", ")}`, terminal.columns ?? 80);
}

function isEmptyIn({ entries }: Answer): (bucket: ResultBucket) => boolean {
  const filled = new Set(entries.map(({ bucket }) => bucket?.start));
  return (bucket) => !filled.has(bucket.start);
}

/** `2026-11-01`, `2026-11-03 to 2026-11-05`; neighbours are those whose labels follow in the range. */
function emptyRuns(empty: readonly ResultBucket[]): string[] {
  const runs: { from: ResultBucket; to: ResultBucket }[] = [];
  for (const bucket of empty) {
    const run = runs.at(-1);
    // Days have 23 to 25 hours, hours up to 90 minutes: the next bucket is never two away.
    const step = bucket.label.includes("T") ? 5400 : 90_000;
    if (run !== undefined && bucket.start - run.to.start <= step) run.to = bucket;
    else runs.push({ from: bucket, to: bucket });
  }
  return runs.map(({ from, to }) => from === to ? from.label : `${from.label} to ${to.label}`);
}
