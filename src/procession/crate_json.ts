/**
 * The JSON of the Rust crate metrics-procession 0.2: a whole procession, or its events one by one.
 *
 * The crate has 32 bits for a value and 16 for the number of a label set. What these cannot hold is
 * refused rather than cut, unless the caller asks for the wide form: the same shape with our values in
 * full, which {@linkcode import("./crate_reader.ts").readCrate} reads back, the crate only where it fits.
 *
 * @module
 */
import type { Chunk } from "./chunks.ts";
import { find, type ReadFilter } from "./events.ts";
import { describe, type Kind, type Series } from "./series.ts";
import { timeText } from "./time_text.ts";

/** A value and what it does, tagged by its kind. */
export type CrateEntry =
  | { readonly Counter: { readonly value: CrateNumber; readonly op: CrateOp } }
  | { readonly Gauge: { readonly value: CrateNumber; readonly op: CrateOp } }
  | { readonly Histogram: { readonly value: CrateNumber } };

/** What the crate calls an op. */
export type CrateOp = "Add" | "Sub" | "Set";

/**
 * A number. In the wide form NaN and the infinities, which JSON does not have, are their names; -0 is
 * what `JSON.rawJSON` makes, as `JSON.stringify` would write it as 0.
 */
export type CrateNumber = number | string | object;

/** One event by itself. */
export interface CrateEvent {
  /** `2025-01-01 00:00:00.0 +00:00:00`. */
  readonly when: string;
  /** What was recorded. */
  readonly event: CrateEntry;
  /** The name of its series. */
  readonly key: string;
  /** Its labels, as pairs. */
  readonly labels: readonly (readonly [string, string])[];
}

/** Everything. */
export interface CrateProcession {
  /** In the order of recording. */
  readonly chunks: readonly CrateChunk[];
  /** The names and labels that events refer to. */
  readonly labels: readonly CrateLabelSet[];
}

/** Events of about 65 seconds. */
export interface CrateChunk {
  /** What the events' `ms` count from. */
  readonly reference_time: string;
  /** In the order of recording. */
  readonly events: readonly CrateChunkEvent[];
}

/** One event of a chunk. */
export interface CrateChunkEvent {
  /** What was recorded. */
  readonly entry: CrateEntry;
  /** Milliseconds since the reference time. */
  readonly ms: number;
  /** The number of its label set. */
  readonly label: number;
}

/** A name and its labels. */
export interface CrateLabelSet {
  /** The name. */
  readonly key_name: string;
  /** The labels, as pairs. */
  readonly labels: readonly (readonly [string, string])[];
  /** Its number. */
  readonly value: number;
}

/** Most label sets; their numbers have 16 bits, and begin with 1. */
export const MAX_CRATE_LABELS = 65_535;
const MAX_U32 = 0xffffffff;

/** By the numbers of our ops. */
const CRATE_OPS: readonly CrateOp[] = ["Add", "Sub", "Set"];
export const CRATE_KINDS: Readonly<Record<Kind, "Counter" | "Gauge" | "Histogram">> = {
  counter: "Counter",
  gauge: "Gauge",
  histogram: "Histogram",
};

/** TypeScript does not know it yet. */
const RAW_JSON = JSON as typeof JSON & { rawJSON(text: string): object };

/**
 * The whole form: each chunk, made when it is reached, and the label sets once all chunks are made.
 *
 * @param wide whether values are written that the crate cannot hold
 */
export class CrateWriter {
  readonly #wide: boolean;
  /** By name and labels, whatever the kind: the crate's label sets know none. */
  readonly #numbers = new Map<string, number>();
  readonly #bySeries = new Map<Series, number>();
  readonly #labels: CrateLabelSet[] = [];

  constructor(wide: boolean) {
    this.#wide = wide;
  }

  /** The label sets of the chunks so far. */
  get labels(): readonly CrateLabelSet[] {
    return this.#labels;
  }

  /** The chunks with events that are wanted. @throws {RangeError} for what cannot be written */
  *chunks(chunks: Iterable<Chunk>, filter: ReadFilter): Generator<CrateChunk> {
    for (const { chunk, columns, wanted } of find(chunks, filter)) {
      const events: CrateChunkEvent[] = [];
      for (let i = 0; i < chunk.count; i++) {
        const slot = columns.slots[i];
        const ms = columns.times[i];
        if (wanted[slot] === 0) continue;
        if (chunk.referenceMs + ms < filter.fromMs || chunk.referenceMs + ms > filter.toMs) {
          continue;
        }
        const series = chunk.series[slot];
        const entry = entryOf(series, columns.ops[i], columns.values[i], this.#wide);
        events.push({ entry, ms, label: this.#numberOf(series) });
      }
      if (events.length > 0) yield { reference_time: when(chunk.referenceMs), events };
    }
  }

  /** The events by themselves. @throws {RangeError} for what cannot be written */
  *events(chunks: Iterable<Chunk>, filter: ReadFilter): Generator<CrateEvent> {
    for (const { chunk, columns, wanted } of find(chunks, filter)) {
      for (let i = 0; i < chunk.count; i++) {
        const slot = columns.slots[i];
        const timestampMs = chunk.referenceMs + columns.times[i];
        if (wanted[slot] === 0) continue;
        if (timestampMs < filter.fromMs || timestampMs > filter.toMs) continue;
        const series = chunk.series[slot];
        yield {
          when: when(timestampMs),
          event: entryOf(series, columns.ops[i], columns.values[i], this.#wide),
          key: series.name,
          labels: Object.entries(series.labels),
        };
      }
    }
  }

  #numberOf(series: Series): number {
    const known = this.#bySeries.get(series);
    if (known !== undefined) return known;
    const labels = Object.entries(series.labels);
    const key = JSON.stringify([series.name, ...labels]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#labels.length + 1;
      if (number > MAX_CRATE_LABELS && !this.#wide) {
        throw unwritable(
          `there are more than ${MAX_CRATE_LABELS} label sets, which its 16 bits cannot number`,
        );
      }
      this.#numbers.set(key, number);
      this.#labels.push({ key_name: series.name, labels, value: number });
    }
    this.#bySeries.set(series, number);
    return number;
  }
}

function entryOf(series: Series, op: number, value: number, wide: boolean): CrateEntry {
  if (!wide && !fits(series.kind, value)) {
    throw unwritable(`${describe(series)} has the value ${value}, which its 32 bits cannot hold`);
  }
  const number = jsonNumber(value);
  switch (series.kind) {
    case "counter":
      return { Counter: { value: number, op: CRATE_OPS[op] } };
    case "gauge":
      return { Gauge: { value: number, op: CRATE_OPS[op] } };
    case "histogram":
      return { Histogram: { value: number } };
  }
}

function jsonNumber(value: number): CrateNumber {
  if (!Number.isFinite(value)) return String(value);
  return Object.is(value, -0) ? RAW_JSON.rawJSON("-0.0") : value;
}

/** Whether a value comes back from the crate: a counter has 32 bits, others are 32-bit floats. */
function fits(kind: Kind, value: number): boolean {
  if (kind === "counter") return Number.isInteger(value) && value >= 0 && value <= MAX_U32;
  return isFloat32(value);
}

/**
 * Whether a 32-bit float is this number, or is written as it: the crate reads 0.2 as the nearest float
 * and writes that as 0.2 again, while 0.30000000000000004 would come back as 0.3.
 */
export function isFloat32(value: number): boolean {
  const float = Math.fround(value);
  if (!Number.isFinite(float)) return false;
  if (float === value) return true;
  // A float has at least six digits of its own, unless it is tiny.
  for (let digits = 1; digits <= 9; digits++) {
    const decimal = Number(float.toPrecision(digits));
    if (Math.fround(decimal) === float) return decimal === value;
  }
  return false;
}

function when(ms: number): string {
  const text = timeText(ms);
  if (text !== undefined) return text;
  throw new RangeError(
    `Cannot write the JSON of metrics-procession: the time ${ms} ms is not in the years 0 to 9999; ` +
      "use toBytes()",
  );
}

function unwritable(why: string): RangeError {
  return new RangeError(
    `Cannot write the JSON of metrics-procession: ${why}; ` +
      "give { wide: true } to write it all the same, or use toBytes()",
  );
}

/** The op of a name, or -1. */
export function readCrateOp(name: unknown): number {
  return CRATE_OPS.indexOf(name as CrateOp);
}
