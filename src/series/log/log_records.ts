/**
 * What the records of a log of points say, in the frames of `src/journal/frame.ts`.
 *
 * | kind | record   | payload behind the kind                                                              |
 * | ---- | -------- | ------------------------------------------------------------------------------------ |
 * | 1    | `head`   | JSON; the first record of each segment                                               |
 * | 2    | `points` | number of the first, how many, how lines are read, when they were received, the lines |
 *
 * Numbers are little-endian. Lines stand there as they came, but for those that were refused: read again,
 * all of them are good.
 *
 * @module
 */
import { FRAME_BYTES, framed, sealFrame } from "../../journal/frame.ts";
import type { Room } from "../../journal/records.ts";
import type { Precision } from "../points/numbers.ts";

/** Version of all that is written here. A reader refuses a higher one. */
export const LOG_VERSION = 1;

const HEAD = 1;
const POINTS = 2;
/** Kind, number of the first point, count, mode, time. */
const POINTS_HEAD_BYTES = 1 + 8 + 4 + 1 + 8;
const MODES: readonly (Precision | "event")[] = ["ns", "us", "ms", "s", "m", "h", "event"];

/** The first record of a segment. */
export interface LogHead {
  readonly version: number;
  /** Whose log it is, see `EngineState.id`. */
  readonly database: string;
  /** Number of the segment. */
  readonly segment: number;
}

/** Lines that were accepted together. */
export interface LoggedPoints {
  /** Number of the first point; the others follow. */
  readonly first: number;
  readonly count: number;
  /** The precision of their times; `event`: seconds, see `LineSource.spread`. */
  readonly mode: Precision | "event";
  /** The time of lines without one, unix nanoseconds. */
  readonly receivedNs: bigint;
  readonly lines: Uint8Array;
}

/** What a record says. */
export type LogRecord =
  | { readonly kind: "head"; readonly head: LogHead }
  | { readonly kind: "points"; readonly points: LoggedPoints };

/** The record of a head, framed. */
export function logHeadRecord(head: LogHead): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const payload = new Uint8Array(1 + json.length);
  payload[0] = HEAD;
  payload.set(json, 1);
  return framed(payload);
}

/** Bytes of a record with so many bytes of lines. */
export function pointsRecordBytes(lineBytes: number): number {
  return FRAME_BYTES + POINTS_HEAD_BYTES + lineBytes;
}

/**
 * Writes a record of points; gives where it ends.
 *
 * @param parts of the lines, one after the other
 */
export function writePointsRecord(
  { bytes, view }: Room,
  at: number,
  { first, count, mode, receivedNs }: Omit<LoggedPoints, "lines">,
  parts: Iterable<Uint8Array>,
): number {
  const head = at + FRAME_BYTES;
  view.setUint8(head, POINTS);
  view.setFloat64(head + 1, first, true);
  view.setUint32(head + 9, count, true);
  view.setUint8(head + 13, MODES.indexOf(mode));
  view.setBigInt64(head + 14, receivedNs, true);
  let end = head + POINTS_HEAD_BYTES;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  sealFrame(bytes, at, end - head, view);
  return end;
}

/** Reads a payload. @throws {RangeError} if it is something else */
export function readLogRecord(payload: Uint8Array): LogRecord {
  if (payload[0] === HEAD) {
    const head = JSON.parse(new TextDecoder().decode(payload.subarray(1)));
    return { kind: "head", head };
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (payload[0] !== POINTS || payload.length < POINTS_HEAD_BYTES) {
    throw new RangeError("it is no record that this traqq knows");
  }
  const mode = MODES[view.getUint8(13)];
  if (mode === undefined) throw new RangeError("it has a mode that this traqq does not know");
  const points = {
    first: view.getFloat64(1, true),
    count: view.getUint32(9, true),
    mode,
    receivedNs: view.getBigInt64(14, true),
    lines: payload.subarray(POINTS_HEAD_BYTES),
  };
  return { kind: "points", points };
}
