/**
 * The results of programs over trails: `json` has the shape of the original, `ndjson` and `csv` have a
 * row per value, `table` is for people.
 *
 * @module
 */
import type { ResultValue, TrailsResult, TrailsRow } from "../trails/mod.ts";
import { csvLine, type CsvOptions } from "../protocol/csv.ts";
import { formatNumber } from "./draw/number.ts";
import { drawTable } from "./draw/table.ts";
import { harmlessJson } from "./draw/text.ts";
import type { Terminal } from "./terminal.ts";

/** A value of a result. */
interface Value {
  /** The tuple, for sets and multisets. */
  readonly tuple: string | undefined;
  /** A number; undefined for members of a set; null: min, max or avg of nothing. */
  readonly value: number | string | null | undefined;
}

/** As the original has it: an object, or an array with one for each round of the loop, one a line. */
export function trailsJson(result: TrailsResult): string {
  const json = result.toJSON();
  const text = (one: unknown) => harmlessJson(JSON.stringify(one));
  if (!Array.isArray(json)) return `${text(json)}\n`;
  return json.length === 0 ? "[]\n" : `[\n${json.map((row) => `  ${text(row)}`).join(",\n")}\n]\n`;
}

/** One object a line, one line a value: `{"vars":{…},"result":"&m","tuple":"a","value":3}`. */
export function* trailsNdjson(result: TrailsResult): Generator<string> {
  for (const row of result.rows) {
    // Without a prototype, so that no name is special.
    const vars: Record<string, unknown> = Object.create(null);
    for (const [name, value] of row.vars) vars[name] = value;
    for (const [name, one] of row.values) {
      for (const { tuple, value } of valuesOf(one)) {
        const line = { ...(row.vars.size === 0 ? {} : { vars }), result: name, tuple, value };
        yield `${harmlessJson(JSON.stringify(line))}\n`;
      }
    }
  }
}

/** A title line, then one line a value. */
export function* trailsCsv(result: TrailsResult, options: CsvOptions): Generator<string> {
  const vars = varsOf(result);
  yield csvLine([...vars, "result", "tuple", "value"], options);
  for (const row of result.rows) {
    for (const [name, one] of row.values) {
      for (const { tuple, value } of valuesOf(one)) {
        yield csvLine([...cellsOf(row, vars), name, tuple ?? "", value ?? ""], options);
      }
    }
  }
}

/** Numbers in one table, a row a round; then every set and multiset, at most `limit` rows of each. */
export function trailsTable(result: TrailsResult, limit: number, terminal: Terminal): string {
  const vars = varsOf(result);
  const first = result.rows.at(0);
  if (first === undefined) return `${terminal.style.dim("The foreach has no tuples.")}\n`;
  const shown = (count: number | string | null | undefined) =>
    typeof count === "number"
      ? formatNumber(count, { grouped: terminal.columns !== undefined })
      : count ?? "";
  const options = { width: terminal.columns, style: terminal.style };
  const lines: string[] = [];
  const names = [...first.values.keys()];
  const single = names.filter((name) => !isList(first.values.get(name)!));
  if (single.length > 0) {
    lines.push(...drawTable(
      [
        ...vars.map((title) => ({ title })),
        ...single.map((title) => ({ title, align: "right" as const })),
      ],
      result.rows.map((row) => [
        ...cellsOf(row, vars),
        ...single.map((name) => shown([...valuesOf(row.values.get(name)!)][0].value)),
      ]),
      options,
    ));
  }
  for (const name of names.filter((name) => isList(first.values.get(name)!))) {
    const rows = result.rows.flatMap((row) => {
      const all = ranked([...valuesOf(row.values.get(name)!)]);
      const some = limit === 0 ? all : all.slice(0, limit);
      const more = all.length - some.length;
      return [
        ...some.map(({ tuple, value }) => [...cellsOf(row, vars), tuple ?? "", shown(value)]),
        ...(more === 0 ? [] : [[...cellsOf(row, vars), `… ${shown(more)} more`, ""]]),
      ];
    });
    if (lines.length > 0) lines.push("");
    lines.push(...drawTable(
      [...vars.map((title) => ({ title })), { title: name }, { title: "count", align: "right" }],
      rows,
      options,
    ));
  }
  return `${lines.join("\n")}\n`;
}

/** Highest count first; members of sets as they are. */
function ranked(values: readonly Value[]): readonly Value[] {
  return values.toSorted((a, b) => Number(b.value ?? 0) - Number(a.value ?? 0));
}

function isList({ kind }: ResultValue): boolean {
  return kind === "set" || kind === "multiset";
}

function* valuesOf(value: ResultValue): Generator<Value> {
  switch (value.kind) {
    case "number":
      return yield { tuple: undefined, value: value.value };
    case "sketch":
      return yield { tuple: undefined, value: value.hex ?? value.sketch.count() };
    case "set":
      for (const tuple of value.members) yield { tuple, value: undefined };
      return;
    case "multiset":
      for (const [tuple, count] of value.counts) yield { tuple, value: count };
  }
}

function varsOf(result: TrailsResult): string[] {
  return [...result.rows.at(0)?.vars.keys() ?? []];
}

function cellsOf(row: TrailsRow, vars: readonly string[]): string[] {
  return vars.map((name) => {
    const value = row.vars.get(name)!;
    return typeof value === "string" ? value : value.join(" ");
  });
}
