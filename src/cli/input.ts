/**
 * What `record` reads: NDJSON from files or standard input, gzipped or not, line by line.
 *
 * @module
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../base/errors.ts";
import { LineSplitter } from "../protocol/lines.ts";
import { CliError } from "./errors.ts";
import { need } from "./permissions.ts";
import { reasonOf } from "./files.ts";

/** Something to read. */
export interface Input {
  /** What to call it in a message. */
  readonly name: string;
  /** Its size on disk, in bytes, where that is known. */
  readonly bytes: number | undefined;
  open(): Promise<ReadableStream<Uint8Array>>;
}

/** A line with its number from 1: its text, or why it cannot be read. Blank ones are left out. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
  readonly error: string | undefined;
}

/** Standard input. */
export function standardInput(): Input {
  return {
    name: "standard input",
    bytes: undefined,
    open: () => Promise.resolve(Deno.stdin.readable),
  };
}

/** A file. @throws {CliError} if it cannot be read */
export async function fileInput(path: string): Promise<Input> {
  need(`read ${path}`, { name: "read", path });
  try {
    const { size, isDirectory, isFile } = await Deno.stat(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    const open = async () => (await Deno.open(path)).readable;
    return { name: path, bytes: isFile ? size : undefined, open };
  } catch (error) {
    throw new CliError(`Cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The lines of an input, those of each piece that was read together.
 *
 * @param onBytes called with the bytes read from disk so far
 * @throws {CliError} if the input ends badly; what was read before has been given out
 */
export async function* readLines(
  input: Input,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter();
  let number = 0;
  const take = (line: ReturnType<LineSplitter["next"]>, into: Line[]): boolean => {
    if (line === undefined) return false;
    number++;
    if (typeof line !== "string") {
      into.push({ number, text: undefined, error: line.message });
    } else {
      // Windows tools begin a file with a byte order mark.
      const text = number === 1 && line.charCodeAt(0) === 0xfeff ? line.slice(1) : line;
      if (text.trim() !== "") into.push({ number, text, error: undefined });
    }
    return true;
  };
  try {
    for await (const chunk of unzipped(counted(await input.open(), onBytes))) {
      splitter.feed(chunk);
      const lines: Line[] = [];
      while (take(splitter.next(), lines));
      if (lines.length > 0) yield lines;
    }
  } catch (error) {
    throw new CliError(`Cannot read ${input.name} after line ${number}: ${reading(error)}`, {
      cause: error,
    });
  }
  const last: Line[] = [];
  take(splitter.end(), last);
  if (last.length > 0) yield last;
}

async function* counted(
  stream: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    onBytes(bytes);
    yield chunk;
  }
}

/** Bytes that begin as gzip does are unzipped, whatever the file is called. */
async function* unzipped(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = new Uint8Array(0);
  while (head.length < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    const joined = new Uint8Array(head.length + value.length);
    joined.set(head);
    joined.set(value, head.length);
    head = joined;
  }
  const rejoined = prepended(head, chunks);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* rejoined;
    return;
  }
  // Not DecompressionStream: it cannot read files made of several gzip members (`cat a.gz b.gz`).
  yield* pipeline(Readable.from(rejoined), createGunzip(), () => {});
}

async function* prepended(
  head: Uint8Array,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  yield* chunks;
}

function reading(error: unknown): string {
  const message = messageOf(error);
  return /unexpected end of file/.test(message)
    ? "the gzip file ends too early; it was cut off"
    : /header check|invalid|data check/.test(message)
    ? `the gzip file is damaged (${message})`
    : message;
}
