/**
 * Line protocol read slowly and obviously, from text: what the real reader is held to. And what batches
 * hold, point by point, to compare.
 */
import type { Batch, Tag } from "../../../src/series/points/batch.ts";
import type { Catalog } from "../../../src/series/points/catalog.ts";
import { UNIT_NS } from "../../../src/series/points/numbers.ts";
import type { Precision } from "../../../src/series/points/numbers.ts";

/** A point, in a form that compares. */
export interface PlainPoint {
  readonly measurement: string;
  readonly tags: readonly Tag[];
  /** By name: the type and the value. */
  readonly fields: Readonly<Record<string, readonly [string, unknown]>>;
  readonly time: bigint;
}

/** What stands in a text. */
export interface Oracle {
  readonly points: PlainPoint[];
  /** Numbers of the lines that are none. */
  readonly rejected: number[];
}

/** Escaped characters while a line is cut: none of them occurs in a test. */
const HIDDEN: Readonly<Record<string, string>> = { ",": "\ue000", " ": "\ue001", "=": "\ue002" };

function hide(text: string): string {
  return text.replaceAll(/\\([, =])/g, (_, c) => HIDDEN[c]);
}

function reveal(text: string, isMeasurement = false): string {
  return text.replaceAll("\ue000", ",").replaceAll("\ue001", " ")
    .replaceAll("\ue002", isMeasurement ? "\\=" : "=");
}

/** Reads a text. @param types of fields, by measurement and name; added to */
export function oracle(
  text: string,
  precision: Precision,
  nowNs: bigint,
  types: Map<string, string> = new Map(),
): Oracle {
  const points: PlainPoint[] = [];
  const rejected: number[] = [];
  let number = 1;
  for (const line of linesOf(text)) {
    const bare = line.replace(/\r?$/, "").replace(/^[ \t]+/, "");
    if (bare !== "" && !bare.startsWith("#")) {
      const later = precision === "ns" ? BigInt(points.length) : 0n;
      const point = pointOf(bare, precision, nowNs + later);
      const isAllowed = point !== undefined &&
        Object.entries(point.fields).every(([name, [type]]) => {
          const known = types.get(JSON.stringify([point.measurement, name]));
          return known === undefined || known === type;
        });
      if (!isAllowed) rejected.push(number);
      else {
        points.push(point);
        for (const [name, [type]] of Object.entries(point.fields)) {
          types.set(JSON.stringify([point.measurement, name]), type);
        }
      }
    }
    number += line.split("\n").length;
  }
  return { points, rejected };
}

/** Lines, without their line feeds; one in a string that a `="` opens among the fields ends none. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest !== "") {
    const comment = /^[ \t]*#[^\n]*/.exec(rest)?.[0];
    const line = comment ??
      /^[ \t]*(?:\\ |[^ \n])*(?:="(?:\\[^]|[^"\\])*(?:"|\\?$)|\\[, =]|[^\n])*/.exec(rest)![0];
    lines.push(line);
    rest = rest.slice(line.length + 1);
  }
  return lines;
}

function pointOf(line: string, precision: Precision, nowNs: bigint): PlainPoint | undefined {
  const key = /^(?:\\ |[^ ])*/.exec(line)![0];
  const [name, ...pairs] = hide(key).split(",");
  const tags = pairs.map((pair) => pair.split("=").map((part) => reveal(part)));
  if (name === "" || tags.some((tag) => tag.length !== 2 || tag.includes(""))) return;
  if (tags.some(([key]) => key === "time")) return;
  if (new Set(tags.map(([key]) => key)).size < tags.length) return;
  const fields: Record<string, [string, unknown]> = Object.create(null);
  let rest = line.slice(key.length).replace(/^[ \t]+/, "");
  for (;;) {
    const field = /^((?:\\[, =]|\\(?![, =])|[^, =\\])+)=("(?:\\[^]|[^"\\])*"|[^, \t\r]*)/.exec(
      rest,
    );
    if (field === null) return;
    const name = reveal(hide(field[1]));
    const value = valueOf(field[2]);
    if (value === undefined || name === "time" || name in fields) return;
    fields[name] = value;
    rest = rest.slice(field[0].length);
    if (!rest.startsWith(",")) break;
    rest = rest.slice(1);
  }
  const end = /^(?:[ \t]+(-?\d+))?[ \t]*$/.exec(rest);
  if (end === null) return;
  const unit = UNIT_NS[precision];
  const time = end[1] === undefined ? nowNs / unit * unit : BigInt(end[1]) * unit;
  if (time > 2n ** 63n - 2n || time < -(2n ** 63n) + 2n) return;
  const sorted = (tags as [string, string][]).sort(([a], [b]) => a < b ? -1 : 1);
  return { measurement: reveal(name, true), tags: sorted, fields, time };
}

function valueOf(text: string): [string, unknown] | undefined {
  if (/^"(\\[^]|[^"\\])*"$/.test(text)) {
    return ["string", text.slice(1, -1).replaceAll(/\\(["\\])/g, "$1")];
  }
  if (/^(t|T|true|True|TRUE)$/.test(text)) return ["boolean", true];
  if (/^(f|F|false|False|FALSE)$/.test(text)) return ["boolean", false];
  if (/^-?\d+i$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    return BigInt.asIntN(64, value) === value ? ["integer", value] : undefined;
  }
  if (/^\d+u$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    return BigInt.asUintN(64, value) === value ? ["unsigned", value] : undefined;
  }
  if (!/^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number.isFinite(Number(text)) ? ["float", Number(text)] : undefined;
}

/** The points in batches, in their order; those of a measurement that came later stand behind. */
export function pointsIn(batches: readonly Batch[], series: SeriesTags): PlainPoint[] {
  return batches.flatMap((batch) => {
    const { measurement, times } = batch;
    for (const { id, tags } of batch.newSeries) series.set(`${measurement}/${id}`, tags);
    return [...times].map((time, row) => {
      const fields: Record<string, [string, unknown]> = Object.create(null);
      for (const { name, type, values, present } of batch.fields) {
        if (values.length !== batch.rows || (present?.length ?? batch.rows) !== batch.rows) {
          throw new Error(`the field ${name} has not as many values as there are rows`);
        }
        if (present?.[row] === 0) continue;
        fields[name] = [type, type === "boolean" ? values[row] === 1 : values[row]];
      }
      return {
        measurement,
        tags: series.get(`${measurement}/${batch.series[row]}`)!,
        fields,
        time,
      };
    });
  });
}

/** The tags of each series, by measurement and number. */
export type SeriesTags = Map<string, readonly Tag[]>;

/** By measurement, as batches keep them. */
export function byMeasurement(points: readonly PlainPoint[]): PlainPoint[][] {
  return [...Map.groupBy(points, ({ measurement }) => measurement).values()]
    .sort(([a], [b]) => a.measurement < b.measurement ? -1 : 1);
}

/** What a catalog has, to compare. */
export function catalogText(catalog: Catalog): string {
  return JSON.stringify(
    [...catalog.measurements()].map(({ name, table, tags, fields, seriesCount }) => [
      name,
      table,
      [...tags.values()],
      [...fields.values()],
      seriesCount,
    ]),
  );
}
