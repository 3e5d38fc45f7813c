/**
 * A procession as bytes.
 *
 * ```text
 * ┌──────────┬─────────┬──────────┬──────────────────────────────────────────────┐
 * │ "TQPR"   │ version │ CRC-32   │ dropped, series, chunks                      │
 * │ 4 bytes  │ 1 byte  │ 4 bytes  │ numbers as LEB128, doubles little-endian     │
 * └──────────┴─────────┴──────────┴──────────────────────────────────────────────┘
 *                                 └── the CRC is of this, that of gzip and PNG ──┘
 * ```
 *
 * A series is its kind (0 counter, 1 gauge, 2 histogram), name, labels, its level and how many events it
 * ever had. A chunk is its reference time (a double), its number of events, its series as numbers into
 * the list before, and its bits with their length (`src/procession/chunk_codec.ts`).
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { messageOf } from "../base/errors.ts";
import { ByteReader, ByteWriter } from "../codec/bytes.ts";
import { MAX_CHUNK_EVENTS, SealedChunk } from "./chunks.ts";
import { KINDS, type Series } from "./series.ts";
import type { Store } from "./store.ts";

/** The first bytes: "TQPR". */
export const MAGIC: readonly number[] = [0x54, 0x51, 0x50, 0x52];
/** The version that is written, and the only one that there is. */
export const VERSION = 1;
/** Bytes before what the CRC is of. */
export const HEAD_BYTES = 9;

/** Whether bytes begin as those of a procession do. */
export function isProcession(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Everything that a store holds. */
export function toBytes(store: Store): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEAD_BYTES, 4096);
  writer.varint(store.droppedCount);
  const states = store.states();
  const numbers = new Map<Series, number>();
  writer.varint(states.size);
  for (const [series, { level, recorded }] of states) {
    numbers.set(series, numbers.size);
    writer.u8(KINDS.indexOf(series.kind));
    writer.text(series.name);
    const labels = Object.entries(series.labels);
    writer.varint(labels.length);
    for (const [label, value] of labels) {
      writer.text(label);
      writer.text(value);
    }
    writer.f64(level);
    writer.varint(recorded);
  }
  const chunks = store.sealedChunks();
  writer.varint(chunks.length);
  for (const { referenceMs, count, series, bytes } of chunks) {
    writer.f64(referenceMs);
    writer.varint(count);
    writer.varint(series.length);
    for (const one of series) writer.varint(numbers.get(one)!);
    writer.blob(bytes);
  }
  const all = writer.bytes.slice() as Uint8Array<ArrayBuffer>;
  all.set(MAGIC);
  all[4] = VERSION;
  new DataView(all.buffer).setUint32(5, crc32(all.subarray(HEAD_BYTES)), true);
  return all;
}

/**
 * Puts everything into a store that is empty.
 *
 * @throws {TypeError} if it is no `Uint8Array`
 * @throws {RangeError} if the bytes are damaged, cut off, or of another version
 */
export function fromBytes(bytes: Uint8Array, store: Store): void {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot read a procession: wanted a Uint8Array, received ${typeof bytes}`,
    );
  }
  if (!isProcession(bytes)) {
    throw new RangeError(
      'Cannot read a procession: wanted bytes that begin with "TQPR", received something else; ' +
        "JSON is read by Procession.fromJSON()",
    );
  }
  if (bytes.length < HEAD_BYTES) throw damaged("they were cut off");
  if (bytes[4] !== VERSION) {
    throw new RangeError(
      `Cannot read a procession: wanted version ${VERSION}, received ${bytes[4]}; ` +
        "read it with the traqq that wrote it, or a newer one",
    );
  }
  const body = bytes.subarray(HEAD_BYTES);
  const wanted = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5, true);
  if (crc32(body) !== wanted) throw damaged("their checksum is another");
  try {
    readBody(new ByteReader(body), store);
  } catch (error) {
    // A text that is no UTF-8 is a TypeError.
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    throw damaged(messageOf(error), error);
  }
}

function readBody(reader: ByteReader, store: Store): void {
  store.restoreDropped(reader.varint());
  const all: Series[] = [];
  const known = new Set<Series>();
  for (let left = reader.varint(); left > 0; left--) {
    const series = readSeries(reader, store);
    if (known.has(series)) throw new RangeError("a series stands twice");
    known.add(series);
    all.push(series);
  }
  for (let left = reader.varint(); left > 0; left--) {
    const referenceMs = reader.f64();
    const count = reader.varint();
    const slots = reader.varint();
    if (
      !Number.isSafeInteger(referenceMs) || count < 1 || count > MAX_CHUNK_EVENTS || slots < 1 ||
      slots > count
    ) throw new RangeError("a chunk has impossible numbers");
    const series: Series[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const number = reader.varint();
      if (number >= all.length) throw new RangeError(`there is no series ${number}`);
      series.push(all[number]);
    }
    if (new Set(series).size < slots) throw new RangeError("a chunk has a series twice");
    store.restore(SealedChunk.from(referenceMs, count, series, reader.blob()));
  }
  if (reader.remaining > 0) throw new RangeError("there are bytes behind the end");
}

function readSeries(reader: ByteReader, store: Store): Series {
  const kind = KINDS[reader.u8()];
  if (kind === undefined) throw new RangeError("a series is of no kind");
  const name = reader.text();
  const labels: [string, string][] = [];
  for (let left = reader.varint(); left > 0; left--) labels.push([reader.text(), reader.text()]);
  const object = Object.fromEntries(labels);
  if (Object.keys(object).length < labels.length) throw new RangeError("a label stands twice");
  const series = store.seriesOf(kind, name, object);
  series.level = reader.f64();
  series.recorded = reader.varint();
  return series;
}

function damaged(why: string, cause?: unknown): RangeError {
  return new RangeError(
    `Cannot read a procession: the bytes are damaged, ${why}; nothing of them was used`,
    { cause },
  );
}
