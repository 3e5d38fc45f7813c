/**
 * What the records of a journal say.
 *
 * | kind | record      | payload behind the kind                                                     |
 * | ---- | ----------- | --------------------------------------------------------------------------- |
 * | 1    | `head`      | JSON; the first record of each segment                                      |
 * | 2    | `events`    | number of the first, when received, how many, the second of each, the length of each, their JSON, one byte between |
 * | 3    | `cut`       | JSON of what it is, then its chunks as cells                                |
 * | 4    | `confirmed` | JSON: the checkpoint that storage has confirmed                             |
 *
 * @module
 */
import type { Cell, Checkpoint } from "../storage/storage.ts";
import { utf8Length } from "../base/utf8.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readCells, writeCells } from "./cells.ts";
import { FRAME_BYTES, sealFrame } from "./frame.ts";

/** Version of all that is written here. A reader refuses a higher one. */
export const FORMAT_VERSION = 1;

/** Most events of one record: what one flipped bit can cost. */
export const MAX_EVENTS = 32;

const HEAD = 1;
const EVENTS = 2;
const CUT = 3;
const CONFIRMED = 4;
/** Kind, number of the first event, time, count. */
const EVENTS_HEAD_BYTES = 1 + 8 + 8 + 1;
/** Second and length of an event. */
const EVENT_BYTES = 8 + 4;

/** Where storage stood, and up to which event that counts. */
export interface Confirmation {
  /** Null while all cuts were empty. */
  readonly checkpoint: Checkpoint | null;
  /** Number of the last event that is in storage by then. */
  readonly covers: number;
}

/** The first record of a segment; another one follows where `neededFrom` has changed. */
export interface Head {
  readonly version: number;
  readonly writer: string;
  readonly prefix: string;
  /** Of the process that wrote the segment. */
  readonly incarnation: string;
  /** Number of the segment. */
  readonly segment: number;
  /** Number of the first event behind it; what comes after a failed write may stand before it too. */
  readonly nextEvent: number;
  readonly confirmed: Confirmation | null;
  /** The first segment that recovery needs. */
  readonly neededFrom: number;
  /** Segments with damage: kept whatever their age. */
  readonly damaged: readonly number[];
}

/** What a cut is, but for its cells. */
export interface CutHead {
  readonly incarnation: string;
  readonly flush: number;
  /** Number of the last event in it. */
  readonly covers: number;
  /** The writer's checkpoint before it. */
  readonly previous: Checkpoint | null;
  /** How many chunks it has. */
  readonly parts: number;
}

/** Events that were received together. */
export interface EventsRecord {
  readonly kind: "events";
  /** Number of the first; the others follow. */
  readonly first: number;
  readonly count: number;
  /** When they were received, unix milliseconds. */
  readonly receivedMs: number;
  /** The events themselves; read when asked for. */
  events(): { readonly seconds: number; readonly text: string }[];
}

/** A delta that was cut for storage. */
export interface CutRecord {
  readonly kind: "cut";
  readonly head: CutHead;
  /** The cells of each chunk; read when asked for. @throws {RangeError} if they are something else */
  chunks(): Cell[][];
}

/** What a record says. */
export type JournalRecord =
  | { readonly kind: "head"; readonly head: Head }
  | EventsRecord
  | CutRecord
  | { readonly kind: "confirmed"; readonly confirmed: Confirmation };

const ENCODER = new TextEncoder();

/** Where records are written. */
export interface Room {
  readonly bytes: Uint8Array;
  /** Of all of the bytes. */
  readonly view: DataView;
}

/** Memory as room for records. */
export function roomIn(bytes: Uint8Array): Room {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** What an `events` record says before the events themselves. */
export interface EventsHead {
  /** Number of the first; the others follow. */
  readonly first: number;
  /** When they were received, unix milliseconds. */
  readonly receivedMs: number;
  /** The second of each, which also says how many there are. */
  readonly seconds: ArrayLike<number>;
}

/** Bytes that a record of `count` events needs whose JSON, with what is between, takes so many bytes. */
export function eventsCapacity(count: number, bytes: number): number {
  return FRAME_BYTES + EVENTS_HEAD_BYTES + EVENT_BYTES * count + bytes;
}

/** Bytes that {@linkcode writeTexts} needs at most. */
export function textsCapacity(texts: readonly string[]): number {
  const chars = texts.reduce((sum, { length }) => sum + length, texts.length);
  return eventsCapacity(texts.length, 3 * chars);
}

/**
 * Writes the record of some events into `room` at `offset`, frame and all.
 *
 * @returns where it ends
 */
export function writeTexts(
  { bytes, view }: Room,
  offset: number,
  head: EventsHead,
  texts: readonly string[],
): number {
  const lengths = offset + eventsCapacity(0, 0) + 8 * texts.length;
  const at = offset + eventsCapacity(texts.length, 0);
  const text = texts.join("\n");
  const { written } = ENCODER.encodeInto(text, bytes.subarray(at));
  const isAscii = written === text.length;
  for (let i = 0; i < texts.length; i++) {
    const length = isAscii ? texts[i].length : utf8Length(texts[i]);
    view.setUint32(lengths + 4 * i, length, true);
  }
  return sealEvents({ bytes, view }, offset, head, at + written);
}

/**
 * As {@linkcode writeTexts}, with lines as they were received.
 *
 * @param lines where they stand, each one byte behind the one before
 * @param start where the first begins
 * @param ends where each ends
 */
export function writeLines(
  { bytes, view }: Room,
  offset: number,
  head: EventsHead,
  lines: Uint8Array,
  start: number,
  ends: ArrayLike<number>,
): number {
  const count = head.seconds.length;
  const at = offset + eventsCapacity(count, 0);
  const run = lines.subarray(start, ends[count - 1]);
  bytes.set(run, at);
  const lengths = offset + eventsCapacity(0, 0) + 8 * count;
  for (let i = 0; i < count; i++) {
    view.setUint32(lengths + 4 * i, ends[i] - start, true);
    start = ends[i] + 1;
  }
  return sealEvents({ bytes, view }, offset, head, at + run.length);
}

/** Writes what stands before the lengths, and the frame. */
function sealEvents(
  { bytes, view }: Room,
  offset: number,
  { first, receivedMs, seconds }: EventsHead,
  end: number,
): number {
  let at = offset + FRAME_BYTES;
  bytes[at] = EVENTS;
  view.setFloat64(at + 1, first, true);
  view.setFloat64(at + 9, receivedMs, true);
  bytes[at + 17] = seconds.length;
  at += EVENTS_HEAD_BYTES;
  for (let i = 0; i < seconds.length; i++, at += 8) view.setFloat64(at, seconds[i], true);
  sealFrame(bytes, offset, end - offset - FRAME_BYTES, view);
  return end;
}

/** The record of a segment's head, in its frame. */
export function headRecord(head: Head): Uint8Array {
  return jsonRecord(HEAD, head);
}

/** The record of a confirmation, in its frame. */
export function confirmedRecord(confirmed: Confirmation): Uint8Array {
  return jsonRecord(CONFIRMED, confirmed);
}

/** The record of a cut, in its frame. */
export function cutRecord(
  head: Omit<CutHead, "parts">,
  chunks: readonly (readonly Cell[])[],
): Uint8Array {
  const writer = new ByteWriter(FRAME_BYTES, 1 << 16);
  writer.u8(CUT);
  const whole: CutHead = { ...head, parts: chunks.length };
  writer.text(JSON.stringify(whole));
  for (const cells of chunks) writeCells(writer, cells);
  return sealed(writer);
}

/** Reads a payload. @throws {RangeError} or another error if it is not one of these */
export function readRecord(payload: Uint8Array): JournalRecord {
  const reader = new ByteReader(payload);
  const kind = reader.u8();
  switch (kind) {
    case HEAD:
      return { kind: "head", head: JSON.parse(reader.text()) };
    case CONFIRMED:
      return { kind: "confirmed", confirmed: JSON.parse(reader.text()) };
    case CUT: {
      const head: CutHead = JSON.parse(reader.text());
      return { kind: "cut", head, chunks: () => readChunks(payload, head.parts) };
    }
    case EVENTS:
      return readEvents(payload);
    default:
      throw new RangeError(`there is no record of kind ${kind}`);
  }
}

function readEvents(payload: Uint8Array): EventsRecord {
  const reader = new ByteReader(payload);
  reader.u8();
  const first = reader.f64();
  const receivedMs = reader.f64();
  const count = reader.u8();
  const events = () => {
    const rest = new ByteReader(payload.subarray(EVENTS_HEAD_BYTES));
    const seconds = Array.from({ length: count }, () => rest.f64());
    const lengths = Array.from({ length: count }, () => rest.u32());
    return seconds.map((seconds, i) => {
      if (i > 0) rest.u8();
      return { seconds, text: rest.text(lengths[i]) };
    });
  };
  return { kind: "events", first, count, receivedMs, events };
}

function readChunks(payload: Uint8Array, parts: number): Cell[][] {
  const reader = new ByteReader(payload);
  reader.u8();
  reader.text();
  return Array.from({ length: parts }, () => readCells(reader));
}

function jsonRecord(kind: number, value: unknown): Uint8Array {
  const writer = new ByteWriter(FRAME_BYTES);
  writer.u8(kind);
  writer.text(JSON.stringify(value));
  return sealed(writer);
}

function sealed(writer: ByteWriter): Uint8Array {
  const { bytes } = writer;
  sealFrame(bytes, 0, bytes.length - FRAME_BYTES);
  return bytes;
}
