/**
 * The events of a chunk as bits: what a sealed chunk holds.
 *
 * ```text
 * ┌──────────┬──────────┬─────────┬────────┬─────────────────┬──────────────────┐
 * │ slots    │ times    │ levels  │ order  │ lengths         │ columns          │
 * └──────────┴──────────┴─────────┴────────┴─────────────────┴──────────────────┘
 * ```
 *
 * - **slots**: which series each event belongs to, as its place in the chunk's list of series. One bit
 *   says how: plain, each in as many bits as the largest needs; or guessed, where a bit says that the
 *   event's series is the one that last came after the series before it, and others are plain. Work
 *   that records the same things in the same order costs one bit an event.
 * - **times**: milliseconds since the chunk's reference time (`src/codec/integers.ts`).
 * - **levels**: of each counter and gauge as the chunk begins (`src/codec/floats.ts`).
 * - **columns**: of each series its ops (one for all, or one each) and its values in the order of
 *   recording (`src/codec/floats.ts`). Their **lengths** in bits, in the exponential Golomb code of
 *   that **order**, stand before them, so that a reader skips those it does not want.
 *
 * @module
 */
import { BitReader, BitWriter, widthOf } from "../codec/bits.ts";
import { readFloats, wordsOf, writeFloats } from "../codec/floats.ts";
import { readIntegers, writeIntegers } from "../codec/integers.ts";
import { OPS } from "./series.ts";

/** Events in the order of recording, a column for each part of them. */
export interface Columns {
  /** Milliseconds since the reference time. */
  readonly times: Uint16Array;
  /** The place of the event's series in the chunk's list of series. */
  readonly slots: Uint16Array;
  /** What the event does to the level. */
  readonly ops: Uint8Array;
  readonly values: Float64Array;
  /** The level of each slot's series before the first event. */
  readonly levels: Float64Array;
}

const OP_BITS = 2;
const ORDER_BITS = 6;

/** Writes the first `count` events; `columns.levels` has one level for each slot. */
export function encodeChunk(columns: Columns, count: number): Uint8Array<ArrayBuffer> {
  const { times, slots, levels } = columns;
  const writer = new BitWriter(2 * count + 64);
  writeSlots(writer, slots, count, levels.length);
  writeIntegers(writer, times, 0, count);
  writeFloats(writer, levels, 0, levels.length);

  const { ends, ops, values } = group(columns, count);
  const body = new BitWriter(2 * count + 64);
  const lengths = new Uint32Array(ends.length);
  for (let slot = 0, start = 0; slot < ends.length; start = ends[slot++]) {
    const before = body.length;
    writeOps(body, ops, start, ends[slot]);
    writeFloats(body, values, start, ends[slot]);
    lengths[slot] = body.length - before;
  }
  // Columns of like series are of about the same length: most lengths take their width and a bit.
  const order = Math.max(0, widthOf(body.length / Math.max(1, ends.length)) - 1);
  writer.bits(order, ORDER_BITS);
  for (const length of lengths) writer.golomb(length, order);
  writer.append(body);
  return writer.bytes();
}

/**
 * Reads the events of a chunk.
 *
 * @param series how many series it has
 * @param wanted which slots' ops and values are read, those of others stay 0; absent: all
 * @throws {RangeError} for what no writer has written
 */
export function decodeChunk(
  bytes: Uint8Array,
  count: number,
  series: number,
  wanted?: Uint8Array,
): Columns {
  const reader = new BitReader(bytes);
  const slots = new Uint16Array(count);
  const times = new Uint16Array(count);
  const levels = new Float64Array(series);
  readSlots(reader, slots, series);
  readIntegers(reader, times, 0, count);
  readFloats(reader, levels, 0, series);

  const ends = endsOf(slots, count, series);
  const order = reader.bits(ORDER_BITS);
  if (order > 52) throw new RangeError(`there is no order ${order}`);
  const lengths = Float64Array.from({ length: series }, () => reader.golomb(order));
  const values = new Float64Array(count);
  const ops = new Uint8Array(count);
  for (let slot = 0, start = 0; slot < series; start = ends[slot++]) {
    const end = reader.position + lengths[slot];
    if (wanted === undefined || wanted[slot] !== 0) {
      readOps(reader, ops, start, ends[slot]);
      readFloats(reader, values, start, ends[slot]);
      if (reader.position !== end) {
        throw new RangeError("a column is longer or shorter than it says");
      }
    }
    reader.seek(end);
  }
  if (reader.size - reader.position > 7) {
    throw new RangeError("there are bits behind the last column");
  }
  return { times, slots, levels, ...ungroup(slots, ops, values, ends) };
}

/** Values and ops by series, and where each series ends. */
function group(
  { slots, ops, values, levels }: Columns,
  count: number,
): { ends: Uint32Array; ops: Uint8Array; values: Float64Array } {
  const ends = endsOf(slots, count, levels.length);
  const next = startsOf(ends);
  const grouped = { ends, ops: new Uint8Array(count), values: new Float64Array(count) };
  // As words, for a NaN that passes as a number may change.
  const from = wordsOf(values);
  const to = wordsOf(grouped.values);
  for (let i = 0; i < count; i++) {
    const at = next[slots[i]]++;
    grouped.ops[at] = ops[i];
    to[2 * at] = from[2 * i];
    to[2 * at + 1] = from[2 * i + 1];
  }
  return grouped;
}

/** The other way. */
function ungroup(
  slots: Uint16Array,
  ops: Uint8Array,
  values: Float64Array,
  ends: Uint32Array,
): { ops: Uint8Array; values: Float64Array } {
  const next = startsOf(ends);
  const ordered = { ops: new Uint8Array(slots.length), values: new Float64Array(slots.length) };
  const from = wordsOf(values);
  const to = wordsOf(ordered.values);
  for (let i = 0; i < slots.length; i++) {
    const at = next[slots[i]]++;
    ordered.ops[i] = ops[at];
    to[2 * i] = from[2 * at];
    to[2 * i + 1] = from[2 * at + 1];
  }
  return ordered;
}

function endsOf(slots: Uint16Array, count: number, series: number): Uint32Array {
  const ends = new Uint32Array(series);
  for (let i = 0; i < count; i++) ends[slots[i]]++;
  for (let slot = 1; slot < series; slot++) ends[slot] += ends[slot - 1];
  return ends;
}

function startsOf(ends: Uint32Array): Uint32Array {
  const starts = new Uint32Array(ends.length);
  starts.set(ends.subarray(0, -1), 1);
  return starts;
}

function writeSlots(writer: BitWriter, slots: Uint16Array, count: number, series: number): void {
  const width = widthOf(Math.max(0, series - 1));
  const followers = new Int32Array(series).fill(-1);
  let guessed = 0;
  for (let i = 0, last = 0; i < count && width > 0; i++) {
    const slot = slots[i];
    if (followers[last] === slot) guessed++;
    else followers[last] = slot;
    last = slot;
  }
  const guesses = count < guessed * width;
  writer.bits(guesses ? 1 : 0, 1);
  followers.fill(-1);
  // Where there is one series only, nothing has to be said.
  for (let i = 0, last = 0; i < count && width > 0; i++) {
    const slot = slots[i];
    if (!guesses) {
      writer.bits(slot, width);
    } else if (followers[last] === slot) {
      writer.bits(1, 1);
    } else {
      writer.bits(slot << 1, width + 1);
      followers[last] = slot;
    }
    last = slot;
  }
}

function readSlots(reader: BitReader, slots: Uint16Array, series: number): void {
  const width = widthOf(Math.max(0, series - 1));
  const guesses = reader.bits(1) === 1;
  const followers = new Int32Array(series).fill(-1);
  for (let i = 0, last = 0; i < slots.length; i++) {
    let slot: number;
    if (guesses && reader.bits(1) === 1) {
      slot = followers[last];
    } else {
      slot = reader.bits(width);
      followers[last] = slot;
    }
    if (!(slot >= 0 && slot < series)) throw new RangeError(`an event is of series ${slot}`);
    slots[i] = last = slot;
  }
}

function writeOps(writer: BitWriter, ops: Uint8Array, start: number, end: number): void {
  const first = ops[start];
  let isSame = true;
  for (let i = start + 1; i < end && isSame; i++) isSame = ops[i] === first;
  writer.bits(isSame ? 1 : 0, 1);
  if (isSame) return writer.bits(first, OP_BITS);
  for (let i = start; i < end; i++) writer.bits(ops[i], OP_BITS);
}

function readOps(reader: BitReader, ops: Uint8Array, start: number, end: number): void {
  const isSame = reader.bits(1) === 1;
  for (let i = start, op = 0; i < end; i++) {
    if (!isSame || i === start) op = reader.bits(OP_BITS);
    if (op >= OPS.length) throw new RangeError(`there is no op ${op}`);
    ops[i] = op;
  }
  if (start === end) throw new RangeError("a series has no event");
}
