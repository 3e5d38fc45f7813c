/**
 * A file of line protocol, gzipped or not, in parts that are whole lines and good ones: what is wrong with
 * the others is known before anything is sent.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { messageOf } from "../../base/errors.ts";
import { handled } from "../../base/promises.ts";
import { show } from "../../base/show.ts";
import { Catalog } from "../points/catalog.ts";
import { DEFAULT_LIMITS } from "../points/limits.ts";
import type { RejectedLine } from "../points/line_error.ts";
import { LineReader, type LineSource } from "../points/line_reader.ts";
import type { LastPoint } from "./checkpoint.ts";
import { ImportError } from "./errors.ts";

/** Bytes that are read together; a part begins in them, and its last line ends in the room behind. */
const PART_BYTES = 4 << 20;
const LINE_BYTES = DEFAULT_LIMITS.maxLineBytes;
const LF = 10, SPACE = 32;

/** A part of a file. */
export interface LinesPart {
  /** Whole lines; in place of those that are refused stand blanks. */
  readonly lines: Uint8Array<ArrayBuffer>;
  readonly points: number;
  /** Number in the file of its first line, from 1. */
  readonly firstLine: number;
  /** Number in the file of the byte from which on nothing was read yet, unzipped. */
  readonly nextByte: number;
  readonly nextLine: number;
  /** Lines that are no points, by their number in the file. */
  readonly rejected: readonly RejectedLine[];
  /** One of its points; undefined: it has none. */
  readonly last: LastPoint | undefined;
}

/** Where to begin. */
export interface LinesStart {
  readonly byte: number;
  readonly line: number;
}

/**
 * Reads a file in parts.
 *
 * @param onBytes told how many bytes of the file were read
 * @throws {ImportError} if it cannot be read
 */
export async function* readLines(
  path: string,
  start: LinesStart,
  onBytes: (bytes: number) => void,
): AsyncGenerator<LinesPart> {
  let waiting = new Uint8Array(0);
  let { byte, line } = start;
  let toSkip = start.byte;
  const take = (isLast: boolean): LinesPart | undefined => {
    const bytes = waiting.slice();
    const limit = isLast ? bytes.length : bytes.length - LINE_BYTES;
    if (limit <= 0) return undefined;
    const rejected: RejectedLine[] = [];
    // A catalog of its own for each part: of what comes in others the target knows.
    const reader = new LineReader(new Catalog(), DEFAULT_LIMITS);
    const source: LineSource = {
      ...{ bytes, precision: "ns", nowNs: 0n, needsTime: true, at: 0, line },
    };
    const { points, refused } = reader.read(
      source,
      limit,
      (line, error) => rejected.push({ line, error }),
    );
    for (let i = 0; i < refused.length; i += 2) blank(bytes, refused[i], refused[i + 1]);
    waiting = bytes.slice(source.at);
    byte += source.at;
    const part: LinesPart = {
      ...{ lines: bytes.slice(0, source.at), points, firstLine: line },
      ...{ nextByte: byte, nextLine: source.line, rejected },
      last: pointOf(reader),
    };
    line = source.line;
    return part;
  };
  try {
    for await (const chunk of unzipped(path, onBytes)) {
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      if (skipped === chunk.length) continue;
      waiting = joined(waiting, chunk.subarray(skipped));
      if (waiting.length < PART_BYTES + LINE_BYTES) continue;
      const part = take(false);
      if (part !== undefined) yield part;
    }
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(`Cannot read ${show(path)} after line ${line - 1}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  while (waiting.length > 0) yield take(true)!;
}

function pointOf(reader: LineReader): LastPoint | undefined {
  const batch = reader.take().at(-1);
  if (batch === undefined) return undefined;
  const { measurement, times, series, newSeries } = batch;
  const row = batch.rows - 1;
  return { measurement, time: String(times[row]), tags: newSeries[series[row]].tags };
}

/** Line feeds stay, so that later lines keep their number. */
function blank(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) if (bytes[at] !== LF) bytes[at] = SPACE;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}

/** Bytes that begin as gzip does are unzipped, also files of several members. */
async function* unzipped(
  path: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const isZipped = await beginsAsGzip(path);
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  const done = isZipped ? handled(pipeline(file, gunzip)) : undefined;
  for await (const chunk of isZipped ? gunzip : file) {
    onBytes(file.bytesRead);
    yield chunk as Uint8Array;
  }
  await done;
}

async function beginsAsGzip(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(2);
  await file.read(head);
  return head[0] === 0x1f && head[1] === 0x8b;
}
