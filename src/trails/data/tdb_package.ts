/**
 * The container of a TrailDB: a tar file with a table of contents, or a directory with the same
 * members. All of it is read into shared memory.
 *
 * ```text
 *  0       512       1536   2048      2560
 * | head | version | info | head of tar.toc | "TAR TOC FOR TDB VER 1\n" name offset size … "\n" | …
 * ```
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { TrailsError } from "../errors.ts";

/** A TrailDB in memory. Workers get this. */
export interface TdbPackage {
  readonly kind: "tdb";
  /** What messages call it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Where each member lies. */
  readonly members: ReadonlyMap<string, { readonly offset: number; readonly size: number }>;
}

const TOC_AT = 2560;
const NEWLINE = 0x0a;
const TOC_HEAD = "TAR TOC FOR TDB VER 1\n";
/** Members begin at multiples of this, so that their numbers can be read in place. */
const ALIGNMENT = 512;
/** More fields than any file has; it bounds the search for the end of the table. */
const MAX_TOC_BYTES = 1 << 24;

/** Reads a TrailDB: a file, a directory, or `path.tdb`. @throws {TrailsError} */
export async function readPackage(path: string): Promise<TdbPackage> {
  for (const candidate of [path, `${path}.tdb`]) {
    try {
      const { isDirectory } = await Deno.stat(candidate);
      return isDirectory ? await readFolder(candidate) : await readTar(candidate);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && candidate === path) continue;
      if (error instanceof TrailsError) throw error;
      const reason = error instanceof Deno.errors.NotFound
        ? "there is no such file"
        : messageOf(error);
      throw new TrailsError(`Cannot read ${path}: ${reason}`, { cause: error });
    }
  }
  throw new TypeError("BUG: the last candidate gives or throws");
}

async function readTar(path: string): Promise<TdbPackage> {
  using file = await Deno.open(path);
  const bytes = sharedBytes((await file.stat()).size);
  await fill(file, bytes);
  const text = new TextDecoder("latin1").decode(bytes.subarray(TOC_AT, endOfToc(bytes)));
  const end = text.indexOf("\n\n");
  if (!text.startsWith(TOC_HEAD) || end < 0) {
    throw new TrailsError(
      `Cannot read ${path}: it is no TrailDB, or damaged; one begins with a table of its members`,
    );
  }
  const members = new Map<string, { offset: number; size: number }>();
  for (const line of text.slice(TOC_HEAD.length, end).split("\n")) {
    const match = /^(\S+) (\d{1,15}) (\d{1,15})$/.exec(line);
    const offset = Number(match?.[2]), size = Number(match?.[3]);
    if (match === null || offset + size > bytes.length) {
      throw new TrailsError(
        `Cannot read ${path}: it is damaged or cut off: the member ${
          JSON.stringify(line)
        } is not ` +
          `within its ${bytes.length} bytes`,
      );
    }
    members.set(match[1], { offset, size });
  }
  return { kind: "tdb", path, bytes, members };
}

/** Behind the empty line that ends the table; the start where there is none. */
function endOfToc(bytes: Uint8Array): number {
  const last = Math.min(bytes.length, TOC_AT + MAX_TOC_BYTES);
  for (let at = TOC_AT + 1; at < last; at++) {
    if (bytes[at] === NEWLINE && bytes[at - 1] === NEWLINE) return at + 1;
  }
  return TOC_AT;
}

async function readFolder(path: string): Promise<TdbPackage> {
  const files: { name: string; size: number }[] = [];
  for await (const { name, isFile } of Deno.readDir(path)) {
    if (isFile) files.push({ name, size: (await Deno.stat(`${path}/${name}`)).size });
  }
  const members = new Map<string, { offset: number; size: number }>();
  let end = 0;
  for (const { name, size } of files) {
    members.set(name, { offset: end, size });
    end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  }
  const bytes = sharedBytes(end);
  for (const [name, { offset, size }] of members) {
    using file = await Deno.open(`${path}/${name}`);
    await fill(file, bytes.subarray(offset, offset + size));
  }
  return { kind: "tdb", path, bytes, members };
}

function sharedBytes(size: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(size));
}

/** Reads until `bytes` are full, or the file ends: what is missing stays zero and is found later. */
async function fill(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  const piece = new Uint8Array(Math.min(1 << 20, Math.max(1, bytes.length)));
  for (let at = 0; at < bytes.length;) {
    const count = await file.read(piece.subarray(0, Math.min(piece.length, bytes.length - at)));
    if (count === null) return;
    bytes.set(piece.subarray(0, count), at);
    at += count;
  }
}
