/**
 * Line protocol, from bytes into columns:
 *
 * ```text
 * measurement,tag=value,tag=value field=1.5,field=2i,field="text" 1609459200000000000
 * ```
 * A line counts as a whole or not at all. What is new in it, a measurement, a field or a series, is added
 * to the catalog only once the line is good. A line ends at a line feed that stands in no quoted string;
 * so a quote that is not closed takes what follows with it, up to the end: which of it was meant to be
 * text cannot be known, and is not guessed.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import type { Batch, FieldType } from "./batch.ts";
import { type Catalog, Measurement, seriesKey } from "./catalog.ts";
import { type Column, Columns } from "./columns.ts";
import { KeyCache, type KnownKey } from "./key_cache.ts";
import type { Limits } from "./limits.ts";
import { LineError } from "./line_error.ts";
import { cutTo, type Precision, writeBig, writeTime } from "./numbers.ts";
import { readSeriesKey, textOf } from "./series_key.ts";
import { ValueReader } from "./value_reader.ts";

const TAB = 9, LF = 10, CR = 13, SPACE = 32, QUOTE = 34, HASH = 35, COMMA = 44, MINUS = 45;
const ZERO = 48, NINE = 57, EQUALS = 61, BACKSLASH = 92;

/** Lines that are read, and how far. */
export interface LineSource {
  readonly bytes: Uint8Array;
  readonly precision: Precision;
  /**
   * The time of lines without one, unix nanoseconds, cut to the precision. With `ns` each has its own, so
   * that none takes the place of another: one more for each point that was read.
   */
  nowNs: bigint;
  /**
   * Number of the first point. Given, it is added to each time as nanoseconds, so that points of the same
   * second are apart: for events, each of which counts. Such lines have whole seconds, and no comments.
   */
  spread?: number;
  /** A line without a time is refused: for a file, whose lines would have another time when it is read again. */
  needsTime?: boolean;
  /** Where the next line begins. */
  at: number;
  /** Its number, from 1. */
  line: number;
}

/** What was read. */
export interface ReadLines {
  /** Points that are in the columns now. */
  points: number;
  /** Where lines begin and end, one after the other, that were refused. */
  readonly refused: number[];
}

/** Told of a line that was refused. */
export type OnRejected = (line: number, error: string) => void;

/** See the top of this file. */
export class LineReader {
  readonly catalog: Catalog;
  /** Asked with each line; may be changed between two calls. */
  limits: Limits;
  readonly #columns = new Map<string, Columns>();
  readonly #keys = new KeyCache();
  readonly #value = new ValueReader();
  /** Those that the line has so far. */
  readonly #seen: Column[] = [];
  /** Of the line's key. */
  #hash = 0;
  /** The line's key came for the first time, as it is written there. */
  #isNewKey = false;
  /** Points that were begun. */
  #begun = 0;

  constructor(catalog: Catalog, limits: Limits) {
    this.catalog = catalog;
    this.limits = limits;
  }

  /**
   * Reads lines until there are no more, or about `maxBytes` are read.
   *
   * @param onRejected told of each line that is refused
   */
  read(source: LineSource, maxBytes: number, onRejected: OnRejected): ReadLines {
    const { bytes, precision } = source;
    const read: ReadLines = { points: 0, refused: [] };
    const until = Math.min(source.at + maxBytes, bytes.length);
    while (source.at < until) {
      const start = source.at;
      const begin = skipBlanks(bytes, start);
      const first = bytes[begin];
      const isComment = first === HASH && source.spread === undefined;
      if (begin === bytes.length || isComment || isEnd(bytes, begin)) {
        this.#endLine(source, lineFeed(bytes, begin));
      } else {
        this.#readLine(source, begin, read, onRejected);
      }
    }
    if (precision === "ns") source.nowNs += BigInt(read.points);
    return read;
  }

  /** All points that were read since the last call. */
  take(): Batch[] {
    const batches: Batch[] = [];
    for (const columns of this.#columns.values()) {
      if (columns.rows > 0) batches.push(columns.take());
    }
    return batches;
  }

  /** Moves on to the line behind a line feed, or to the end. */
  #endLine(source: LineSource, at: number): void {
    source.at = Math.min(at + 1, source.bytes.length);
    source.line++;
  }

  #readLine(source: LineSource, begin: number, read: ReadLines, onRejected: OnRejected): void {
    const { bytes, line } = source;
    const keyEnd = this.#keyEnd(bytes, begin);
    this.#seen.length = 0;
    try {
      const found = this.#keys.find(bytes, begin, keyEnd, this.#hash);
      this.#isNewKey = found === undefined;
      const known = found ?? this.#newKey(bytes, begin, keyEnd);
      const fieldsEnd = this.#readFields(bytes, keyEnd, known.columns);
      const end = this.#readTime(source, fieldsEnd, known.columns, read.points);
      if (end - begin > this.limits.maxLineBytes) {
        throw new LineError(
          begin,
          `it has ${end - begin} bytes; a line may have ${this.limits.maxLineBytes}`,
        );
      }
      this.#keep(known);
      read.points++;
      source.line += this.#value.feeds;
      this.#endLine(source, end);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      const at = Math.max(error.at, keyEnd);
      const end = refusedEnd(bytes, at);
      const feeds = countFeeds(bytes, begin, end);
      const through = feeds > 0 ? `; with its quoted text it goes on to line ${line + feeds}` : "";
      onRejected(
        line,
        `Cannot read the line at byte ${error.at - begin + 1}: ${error.message}${through}`,
      );
      source.line += feeds;
      read.refused.push(source.at);
      this.#endLine(source, end);
      read.refused.push(source.at);
    }
  }

  /** Where the key ends: at a space that has no backslash before it. */
  #keyEnd(bytes: Uint8Array, begin: number): number {
    let hash = 0;
    let at = begin;
    for (; at < bytes.length; at++) {
      const c = bytes[at];
      if (c === SPACE || c === LF) break;
      hash = (Math.imul(hash, 31) + c) | 0;
      if (c === BACKSLASH && bytes[at + 1] === SPACE) at++;
    }
    // So that it stays a small integer.
    this.#hash = hash & 0x3fffffff;
    return at;
  }

  #newKey(bytes: Uint8Array, begin: number, keyEnd: number): KnownKey {
    const { maxKeyBytes, maxNameBytes, maxMeasurements, maxSeries, maxTags } = this.limits;
    if (keyEnd - begin > maxKeyBytes) {
      throw new LineError(
        begin,
        `measurement and tags have ${keyEnd - begin} bytes; they may have ${maxKeyBytes}`,
      );
    }
    const own = bytes.slice(begin, keyEnd);
    let read;
    try {
      read = readSeriesKey(own);
    } catch (error) {
      throw error instanceof LineError ? new LineError(begin + error.at, error.message) : error;
    }
    const { measurement: name, tags } = read;
    const long = [name, ...tags.map(([key]) => key)].find((text) => text.length > maxNameBytes);
    if (long !== undefined) {
      throw new LineError(begin, `the name ${show(long)} is longer than ${maxNameBytes} bytes`);
    }
    let columns = this.#columns.get(name);
    if (columns === undefined) {
      const known = this.catalog.get(name);
      if (known === undefined && this.catalog.size >= maxMeasurements) {
        throw new LineError(
          begin,
          `there are ${maxMeasurements} measurements, and ${show(name)} is none of them; ` +
            "write to one of these, or raise limits.maxMeasurements",
        );
      }
      columns = new Columns(known ?? new Measurement(name));
      if (known !== undefined) this.#columns.set(name, columns);
    }
    const { measurement } = columns;
    const key = seriesKey(tags);
    const series = measurement.seriesId(key) ?? -1;
    if (series < 0 && this.catalog.seriesCount >= maxSeries) {
      throw new LineError(
        begin,
        `there are ${maxSeries} series, and this is a new one; a value that is never the same ` +
          "belongs into a field, or raise limits.maxSeries",
      );
    }
    const newTags = tags.filter(([key]) => !measurement.tags.has(key)).length;
    if (newTags > 0 && measurement.tags.size + newTags > maxTags) {
      throw new LineError(
        begin,
        `the measurement ${show(name)} would have ${measurement.tags.size + newTags} tags; ` +
          `it may have ${maxTags}`,
      );
    }
    return { bytes: own, hash: this.#hash, columns, key, tags, series, next: undefined };
  }

  /** Reads the fields; gives where they end. */
  #readFields(bytes: Uint8Array, keyEnd: number, columns: Columns): number {
    let at = skipBlanks(bytes, keyEnd);
    if (at === bytes.length || isEnd(bytes, at)) {
      throw new LineError(at, "there are no fields; write a space and NAME=VALUE");
    }
    columns.reserve();
    const { rows, capacity } = columns;
    const point = this.#begun++;
    const value = this.#value;
    value.feeds = 0;
    let before: Column | undefined;
    for (;;) {
      const start = at;
      const guess = before === undefined ? columns.first : before.next;
      let column: Column;
      if (guess !== undefined && this.#isKey(bytes, at, guess.raw)) {
        column = guess;
        at += column.raw.length + 1;
      } else {
        const end = this.#fieldKeyEnd(bytes, at);
        column = this.#columnOf(columns, bytes, at, end);
        // Not a new one: should the line be refused, it was never there.
        if (column.isKnown) {
          if (before === undefined) columns.first = column;
          else before.next = column;
        }
        at = end + 1;
      }
      if (column.point === point) {
        throw new LineError(
          start,
          `the field ${show(column.name)} stands there twice; leave one out`,
        );
      }
      const valueStart = at;
      at = value.read(bytes, at);
      if (column.type === undefined) column.type = value.type;
      else if (column.type !== value.type) {
        throw new LineError(
          valueStart,
          otherType(column.name, columns.measurement, column.type, value.type),
        );
      }
      column.point = point;
      column.reserve(rows, capacity);
      value.writeTo(column, rows);
      this.#seen.push(column);
      before = column;
      if (bytes[at] !== COMMA) return at;
      at++;
    }
  }

  #isKey(bytes: Uint8Array, at: number, raw: Uint8Array): boolean {
    const { length } = raw;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== raw[i]) return false;
    return bytes[at + length] === EQUALS;
  }

  /** Where a field's key ends: at its `=`. @throws {LineError} */
  #fieldKeyEnd(bytes: Uint8Array, start: number): number {
    let at = start;
    for (; at < bytes.length; at++) {
      const c = bytes[at];
      if (c === BACKSLASH && [COMMA, SPACE, EQUALS].includes(bytes[at + 1])) at++;
      else if (c === EQUALS || c === COMMA || c === SPACE || c === LF) break;
    }
    if (at >= bytes.length || bytes[at] !== EQUALS) {
      if (at === start) throw new LineError(at, "a field is missing here; write NAME=VALUE");
      const name = textOf(bytes, start, Math.min(at, bytes.length), "the field", true).trimEnd();
      throw new LineError(start, `the field ${show(name)} has no =; write ${name}=VALUE`);
    }
    if (at === start) throw new LineError(at, "a field has no name before its =");
    return at;
  }

  #columnOf(columns: Columns, bytes: Uint8Array, start: number, end: number): Column {
    const name = textOf(bytes, start, end, "the field's name", true);
    if (name === "time") {
      throw new LineError(start, 'no field can be called "time": the time is; call it otherwise');
    }
    const column = columns.column(name, bytes.subarray(start, end));
    if (column.isKnown) return column;
    const twice = this.#seen.find((seen) => seen.name === name);
    if (twice !== undefined) return twice;
    const { maxFields, maxNameBytes } = this.limits;
    if (end - start > maxNameBytes) {
      throw new LineError(start, `the name ${show(name)} is longer than ${maxNameBytes} bytes`);
    }
    const newFields = this.#seen.filter(({ isKnown }) => !isKnown).length + 1;
    if (columns.measurement.fields.size + newFields > maxFields) {
      throw new LineError(
        start,
        `the measurement ${show(columns.measurement.name)} has ${maxFields} fields, and ${
          show(name)
        } is none of them; a name that is never the same belongs into a tag's value`,
      );
    }
    return column;
  }

  /** Reads the time, if there is one, and writes it into the row; gives where the line ends. */
  #readTime(source: LineSource, fieldsEnd: number, columns: Columns, points: number): number {
    const { bytes, precision, spread } = source;
    const { times, rows } = columns;
    let at = skipBlanks(bytes, fieldsEnd);
    if (at === bytes.length || isEnd(bytes, at)) {
      if (source.needsTime === true) {
        throw new LineError(
          at,
          "it has no time, and would be another point each time it is imported",
        );
      }
      const now = precision === "ns" ? source.nowNs + BigInt(points) : source.nowNs;
      writeBig(times, rows * 2, cutTo(now, precision));
      return lineFeed(bytes, at);
    }
    const start = at;
    if (at === fieldsEnd) throw new LineError(at, "after a value come a comma, a space or the end");
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const digitsStart = at;
    // The last nine digits apart: all 19 are beyond what a number holds.
    let whole = 0;
    while (bytes[at] >= ZERO && bytes[at] <= NINE) whole = whole * 10 + bytes[at++] - ZERO;
    const digits = at - digitsStart;
    const end = skipBlanks(bytes, at);
    if (digits === 0 || (end < bytes.length && !isEnd(bytes, end))) {
      throw new LineError(
        start,
        "the time is no whole number; wanted one such as 1609459200000000000, " +
          "and nothing behind it",
      );
    }
    let rest = 0;
    if (spread !== undefined) {
      rest = (spread + points) % 1_000_000_000;
    } else if (precision === "ns") {
      whole = 0;
      const cut = Math.max(digitsStart, at - 9);
      for (let i = digitsStart; i < cut; i++) whole = whole * 10 + bytes[i] - ZERO;
      for (let i = cut; i < at; i++) rest = rest * 10 + bytes[i] - ZERO;
    }
    if (
      !(whole <= Number.MAX_SAFE_INTEGER) ||
      !writeTime(times, rows * 2, isNegative, whole, rest, precision)
    ) {
      const shown = new TextDecoder().decode(bytes.subarray(start, Math.min(at, start + 40)));
      throw new LineError(
        start,
        `the time ${shown} lies outside of the years 1677 to 2262 in ${precision}; ` +
          "set precision to the unit of your times",
      );
    }
    return lineFeed(bytes, end);
  }

  /** The line is good: what it brought is there from now on. */
  #keep(known: KnownKey): void {
    const { columns } = known;
    const { measurement, rows, capacity } = columns;
    if (known.series < 0) {
      if (this.catalog.get(measurement.name) === undefined) {
        this.catalog.add(measurement);
        this.#columns.set(measurement.name, columns);
      }
      known.series = this.catalog.addSeries(measurement, known.key, known.tags);
    }
    if (this.#isNewKey) this.#keys.add(known);
    columns.series[rows] = known.series;
    for (const column of this.#seen) {
      if (!column.isKnown) columns.know(column);
      column.mark(rows, capacity);
    }
    columns.rows++;
  }
}

/** The first byte from `at` on that is neither a space nor a tab. */
function skipBlanks(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  return at;
}

/** Whether the line ends here, perhaps with a carriage return. */
function isEnd(bytes: Uint8Array, at: number): boolean {
  const c = bytes[at];
  return c === LF || (c === CR && (at + 1 === bytes.length || bytes[at + 1] === LF));
}

/** The next line feed, or the end. */
function lineFeed(bytes: Uint8Array, at: number): number {
  const found = bytes.indexOf(LF, at);
  return found < 0 ? bytes.length : found;
}

/** Where a line ends that was refused at a place among its fields: not in a quoted string. */
function refusedEnd(bytes: Uint8Array, from: number): number {
  let isValue = bytes[from - 1] === EQUALS;
  for (let at = from; at < bytes.length; at++) {
    const c = bytes[at];
    if (c === LF) return at;
    if (c === BACKSLASH && [COMMA, SPACE, EQUALS].includes(bytes[at + 1])) at++;
    else if (c === QUOTE && isValue) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    }
    isValue = c === EQUALS;
  }
  return bytes.length;
}

function countFeeds(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LF, from); at >= 0 && at < to; at = bytes.indexOf(LF, at + 1)) {
    count++;
  }
  return count;
}

/** What such a value looks like, for messages. */
const EXAMPLES: Readonly<Record<FieldType, string>> = {
  float: "1.5",
  integer: "1i",
  unsigned: "1u",
  string: '"text"',
  boolean: "true",
};

function otherType(
  field: string,
  { name }: Measurement,
  wanted: FieldType,
  got: FieldType,
): string {
  return `the field ${show(field)} of ${show(name)} is ${wanted} since its first point, such as ${
    EXAMPLES[wanted]
  }, and this value is ${got}; write it so, or call the field otherwise`;
}
