/**
 * Text files, gzipped or not, piece by piece.
 *
 * @module
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

/** No line or row may be longer; one without an end would fill the memory. */
export const MAX_LINE_CHARS: number = 1 << 24;

/** The text of a file in pieces of any length. What is gzipped is unzipped, whatever its name is. */
export async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let isFirst = true;
  for await (const bytes of await unzipped(path)) {
    let text = decoder.decode(bytes, { stream: true });
    // Windows tools begin a file with a byte order mark.
    if (isFirst && text.startsWith("\ufeff")) text = text.slice(1);
    isFirst = false;
    yield text;
  }
  yield decoder.decode();
}

async function unzipped(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await Deno.open(path);
  const head = new Uint8Array(2);
  const count = await file.read(head);
  await file.seek(0, Deno.SeekMode.Start);
  if (count !== 2 || head[0] !== 0x1f || head[1] !== 0x8b) return file.readable;
  // Not DecompressionStream: it cannot read files made of several gzip members.
  return pipeline(Readable.from(file.readable), createGunzip(), () => {});
}
