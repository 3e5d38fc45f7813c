/**
 * Reading events: which are wanted, and one after the other.
 *
 * @module
 */
import { show } from "../base/show.ts";
import type { Columns } from "./chunk_codec.ts";
import type { Chunk } from "./chunks.ts";
import { type Kind, type Labels, type Op, OPS, type Series } from "./series.ts";

/** Which events are wanted. */
export interface EventFilter {
  /** Not before this: milliseconds since 1970, or a `Date`. */
  readonly from?: number | Date;
  /** Not after this. */
  readonly to?: number | Date;
  /** Of series with this name, or a name that the expression finds something in. */
  readonly name?: string | RegExp;
  /** Of series that have these labels, and maybe others. */
  readonly labels?: Labels;
}

/** What all events have. */
export interface EventBase {
  /** When it was recorded: whole milliseconds since 1970. */
  readonly timestampMs: number;
  /** The name of its series. */
  readonly name: string;
  /** The labels of its series, sorted by name. Events share the object, which is frozen. */
  readonly labels: Labels;
  /** What was recorded, to the last bit. */
  readonly value: number;
}

/** One event as it was recorded. A histogram's has no `op`. */
export type ProcessionEvent =
  | EventBase & { readonly kind: "counter" | "gauge"; readonly op: Op }
  | EventBase & { readonly kind: "histogram"; readonly op?: undefined };

/** A filter that was read. */
export interface ReadFilter {
  readonly fromMs: number;
  readonly toMs: number;
  matches(series: Series): boolean;
}

/** The events of a chunk that may be wanted. */
export interface Found {
  readonly chunk: Chunk;
  readonly columns: Columns;
  /** By slot: whether its events are wanted. */
  readonly wanted: Uint8Array;
}

/**
 * Reads a filter.
 *
 * @throws {TypeError} naming what is wrong
 */
export function readFilter(filter: EventFilter = {}): ReadFilter {
  const { name, labels } = filter;
  if (name !== undefined && typeof name !== "string" && !(name instanceof RegExp)) {
    throw new TypeError(
      `Cannot read events: wanted name to be a string or a RegExp, received ${show(name)}`,
    );
  }
  const pairs = Object.entries(labels ?? {});
  for (const [label, value] of pairs) {
    if (typeof value === "string") continue;
    throw new TypeError(
      `Cannot read events: wanted the label ${show(label)} to be a string, received ${show(value)}`,
    );
  }
  // A global or sticky expression would go on where it last stopped.
  const pattern = name instanceof RegExp
    ? new RegExp(name.source, name.flags.replace(/[gy]/g, ""))
    : undefined;
  return {
    fromMs: readTime("from", filter.from, -Infinity),
    toMs: readTime("to", filter.to, Infinity),
    matches(series) {
      return (pattern === undefined ? name === undefined || name === series.name : pattern.test(
        series.name,
      )) &&
        pairs.every(([label, value]) => series.labels[label] === value);
    },
  };
}

function readTime(what: string, time: number | Date | undefined, none: number): number {
  if (time === undefined) return none;
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms === "number" && !Number.isNaN(ms)) return ms;
  throw new TypeError(
    `Cannot read events: wanted ${what} to be a Date or milliseconds since 1970, received ${
      show(time)
    }`,
  );
}

/** The chunks with events that may be wanted, each decoded when it is reached. */
export function* find(chunks: Iterable<Chunk>, filter: ReadFilter): Generator<Found> {
  const known = new Map<Series, boolean>();
  for (const chunk of chunks) {
    if (chunk.maxMs < filter.fromMs || chunk.minMs > filter.toMs) continue;
    const wanted = new Uint8Array(chunk.series.length);
    let some = false;
    let all = true;
    chunk.series.forEach((series, slot) => {
      let matches = known.get(series);
      if (matches === undefined) known.set(series, matches = filter.matches(series));
      if (matches) wanted[slot] = 1;
      some ||= matches;
      all &&= matches;
    });
    if (some) yield { chunk, columns: chunk.columns(all ? undefined : wanted), wanted };
  }
}

/** The events that are wanted, in the order of recording. */
export function* eventsOf(
  chunks: Iterable<Chunk>,
  filter: ReadFilter,
): Generator<ProcessionEvent> {
  for (const { chunk, columns, wanted } of find(chunks, filter)) {
    for (let i = 0; i < chunk.count; i++) {
      const slot = columns.slots[i];
      if (wanted[slot] === 0) continue;
      const timestampMs = chunk.referenceMs + columns.times[i];
      if (timestampMs < filter.fromMs || timestampMs > filter.toMs) continue;
      yield eventOf(chunk.series[slot], columns.ops[i], columns.values[i], timestampMs);
    }
  }
}

function eventOf(
  { kind, name, labels }: { kind: Kind; name: string; labels: Labels },
  op: number,
  value: number,
  timestampMs: number,
): ProcessionEvent {
  return kind === "histogram"
    ? { timestampMs, kind, name, labels, value }
    : { timestampMs, kind, op: OPS[op], name, labels, value };
}
