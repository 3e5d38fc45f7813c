/**
 * `traqq export`: everything that a prefix holds, as lines of JSON.
 *
 * @module
 */
import { handled } from "../base/promises.ts";
import { exportCells } from "../transfer/export.ts";
import { openBareStorage } from "./bare_storage.ts";
import type { Command } from "./command.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { reasonOf } from "./files.ts";
import type { Values } from "./flags.ts";
import { need } from "./permissions.ts";
import { storageFlags } from "./shared_flags.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** Characters that are written together, about. */
const PIECE_CHARS = 1 << 18;

/** The command. `export` is a word of the language. */
export const exportCommand: Command = {
  name: "export",
  summary: "Write everything that a prefix holds to a file or to standard output",
  usage: "[FILE]",
  takesFiles: true,
  about: [
    "Writes all cells, days and hours, as lines of JSON, gzipped if FILE ends in .gz. The last line " +
    "has a checksum, so that a file that was cut off or damaged is told by traqq import. FILE " +
    "appears when it is whole.",
    "A server may have the file open and go on; what it commits meanwhile may be in the export or " +
    "not, each cell by itself.",
  ],
  groups: [storageFlags("kv, which is the default, or redis")],
  permissions: [
    {
      when: "to standard output",
      flags: "--unstable-kv --allow-read=traqq.db --allow-write=traqq.db",
    },
    {
      when: "to a file",
      flags: "--unstable-kv --allow-read=traqq.db,FILE.part --allow-write=traqq.db,FILE,FILE.part",
    },
    { when: "--storage redis", flags: "--allow-net=127.0.0.1:6379 --allow-env" },
  ],
  examples: [
    { line: "traqq export backup.ndjson.gz", does: "to a file" },
    {
      line: "traqq export | traqq import --kv-path other.db -",
      does: "into another storage",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  if (values.rest.length > 1) {
    throw new UsageError(`export writes one file, received ${values.rest.length}`);
  }
  const path = values.rest[0] === "-" ? undefined : values.rest[0];
  const part = `${path}.part`;
  if (path !== undefined) {
    need(
      `write ${path}`,
      { name: "read", path: part },
      { name: "write", path },
      { name: "write", path: part },
    );
  }
  await using opened = await openBareStorage(values, terminal, true);
  using signals = catchSignals();
  const progress = new Progress(terminal, path ?? opened.where);
  let cells = 0;
  async function* pieces(): AsyncGenerator<string> {
    const lines = exportCells(opened.storage, opened.prefix, {
      onProgress(done) {
        cells = done;
        progress.update({ share: undefined, events: cells, rejected: 0, noun: "cell" });
      },
    });
    let piece = "";
    for await (const line of lines) {
      piece += `${line}\n`;
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = "";
      if (signals.exitCode !== undefined) return;
    }
    yield piece;
  }
  try {
    if (path === undefined) { for await (const piece of pieces()) terminal.out(piece); }
    else await writeFile(path, part, pieces(), () => signals.exitCode === undefined);
  } finally {
    progress.stop();
  }
  if (signals.exitCode !== undefined) return signals.exitCode;
  if (path !== undefined) {
    const number = formatNumber(cells, { grouped: terminal.columns !== undefined });
    terminal.out(`Exported ${number} ${cells === 1 ? "cell" : "cells"} to ${path}\n`);
  }
  return EXIT.ok;
}

/** Writes beside the file first, so that what has its name is always whole. */
async function writeFile(
  path: string,
  part: string,
  pieces: AsyncIterable<string>,
  mayAppear: () => boolean,
): Promise<void> {
  let finished = false;
  try {
    using file = await Deno.open(part, { write: true, create: true, truncate: true });
    const text = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
    const bytes = /\.gz$/i.test(path) ? text.pipeThrough(new CompressionStream("gzip")) : text;
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    }
    await file.sync();
    if (!mayAppear()) return;
    await Deno.rename(part, path);
    finished = true;
  } catch (error) {
    if (!Object.values(Deno.errors).some((type) => error instanceof type)) throw error;
    throw new CliError(`Cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  } finally {
    if (!finished) await handled(Deno.remove(part)).catch(() => {});
  }
}
