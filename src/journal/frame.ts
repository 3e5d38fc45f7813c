/**
 * How a record stands in a segment, so that a reader notices damage and finds the next one behind it.
 *
 * ```text
 * ┌──────────┬──────────┬──────────┬───────────┐
 * │ mark     │ CRC-32   │ length   │ payload   │
 * │ 4 bytes  │ 4 bytes  │ 4 bytes  │ length    │   numbers little-endian
 * └──────────┴──────────┴──────────┴───────────┘
 *                       └── the CRC is of this ─┘
 * ```
 *
 * The mark's first byte occurs in no UTF-8 text, so an event never looks like a record. The CRC is
 * that of gzip and PNG (ISO 3309), by zlib.
 *
 * @module
 */
import { crc32 } from "node:zlib";

/** Bytes before the payload. */
export const FRAME_BYTES = 12;
/** Longest payload. A length beyond it is damage, whatever the file's size. */
export const MAX_PAYLOAD_BYTES = 2 ** 30;

const MARK = [0xf7, 0x74, 0x71, 0x0a]; // "tq" and a line end behind a byte that is not UTF-8
const MARK_WORD = 0x0a7174f7;

/** A record that was found, or a stretch of bytes that is none. */
export type Found =
  | { readonly kind: "record"; readonly offset: number; readonly payload: Uint8Array }
  | {
    readonly kind: "damage";
    readonly offset: number;
    readonly bytes: number;
    /**
     * The beginning of a record, or nothing but zeros, and then the end of the file: a process, or the
     * machine, was stopped while it wrote.
     */
    readonly isTorn: boolean;
  };

/** Writes the frame around a payload that stands at `offset + FRAME_BYTES`. */
export function sealFrame(
  bytes: Uint8Array,
  offset: number,
  payloadBytes: number,
  view: DataView = new DataView(bytes.buffer, bytes.byteOffset),
): void {
  view.setUint32(offset, MARK_WORD, true);
  view.setUint32(offset + 8, payloadBytes, true);
  const end = offset + FRAME_BYTES + payloadBytes;
  view.setUint32(offset + 4, crc32(bytes.subarray(offset + 8, end)), true);
}

/** A payload in its frame. */
export function framed(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES + payload.length);
  bytes.set(payload, FRAME_BYTES);
  sealFrame(bytes, 0, payload.length);
  return bytes;
}

/**
 * The records in the bytes of a segment, and the damage between them. Costs one CRC of each byte; in
 * damaged stretches at most one more per mark that stands there by accident.
 */
export function* findFrames(bytes: Uint8Array): Generator<Found> {
  let at = 0;
  while (at < bytes.length) {
    const end = frameEnd(bytes, at);
    if (end !== undefined) {
      yield { kind: "record", offset: at, payload: bytes.subarray(at + FRAME_BYTES, end) };
      at = end;
      continue;
    }
    const offset = at;
    do at = nextMark(bytes, at + 1); while (
      at < bytes.length && frameEnd(bytes, at) === undefined
    );
    const isTorn = at === bytes.length &&
      (beginsRecord(bytes, offset) || isZero(bytes.subarray(offset)));
    yield { kind: "damage", offset, bytes: at - offset, isTorn };
  }
}

/** Where the intact record that begins at `at` ends; undefined if there is none. */
function frameEnd(bytes: Uint8Array, at: number): number | undefined {
  if (at + FRAME_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_BYTES);
  if (view.getUint32(0, true) !== MARK_WORD) return undefined;
  const length = view.getUint32(8, true);
  const end = at + FRAME_BYTES + length;
  if (length > MAX_PAYLOAD_BYTES || end > bytes.length) return undefined;
  return crc32(bytes.subarray(at + 8, end)) === view.getUint32(4, true) ? end : undefined;
}

/** Whether the bytes from `at` on are the beginning of a record whose rest is missing. */
function beginsRecord(bytes: Uint8Array, at: number): boolean {
  const left = bytes.length - at;
  if (!MARK.every((byte, i) => i >= left || bytes[at + i] === byte)) return false;
  if (left < FRAME_BYTES) return true;
  const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(8, true);
  return length <= MAX_PAYLOAD_BYTES && FRAME_BYTES + length > left;
}

/** Whether the file was made longer, and nothing was written there. */
function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Where the next mark stands, from `at` on; the end of the bytes if there is none. */
function nextMark(bytes: Uint8Array, at: number): number {
  for (;;) {
    const found = bytes.indexOf(MARK[0], at);
    if (found < 0) return bytes.length;
    if (MARK.every((byte, i) => bytes[found + i] === byte)) return found;
    at = found + 1;
  }
}
