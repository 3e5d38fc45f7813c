/**
 * `traqq series`: files into the points that series keep.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { UsageError } from "./errors.ts";
import { quoted, type Values } from "./flags.ts";
import { FILE_FORMATS, IMPORT_FLAGS, importFile } from "./series_import.ts";
import type { Terminal } from "./terminal.ts";

/** The command. */
export const series: Command = {
  name: "series",
  summary: "Import files into the points that traqq serve --series keeps",
  usage: "import parquet|csv|ndjson|lp FILE",
  takesFiles: true,
  about: [
    "Reads Parquet, CSV with a header, lines of JSON, or line protocol; text may be gzipped. Each row of " +
    "a table is a point: one column is the time, --tags name those by which one groups, and all others are " +
    "fields. It goes to a server over HTTP, or with --direct into a folder that no server has open, " +
    "which is faster.",
    "Rows with the same tags and time become one point, of which the later row wins; they are counted, " +
    "and more --tags keep them apart.",
    "An import that was stopped, by Ctrl-C or in any other way, goes on where it was when the same " +
    "command is given again. Nothing is there twice, whenever it stops.",
  ],
  groups: IMPORT_FLAGS,
  permissions: [
    {
      when: "always",
      flags: "--allow-ffi --allow-read=FILE,FILE.traqq-import --allow-write=FILE.traqq-import",
    },
    { when: "a server", flags: "--allow-net=127.0.0.1:8080 --allow-env=TRAQQ_TOKEN" },
    { when: "--direct", flags: "--allow-read=DIR --allow-write=DIR" },
  ],
  examples: [
    { line: "traqq series import parquet trips.parquet --schema-only", does: "what is in it" },
    {
      line: "traqq series import parquet trips.parquet -m trips -t pickup --tags zone,vendor",
      does: "into the server on this machine",
    },
    {
      line: "traqq series import csv cpu.csv -m cpu --time-unit s --direct --series points",
      does: "into a folder, with times in unix seconds",
    },
    { line: "traqq series import lp backup.lp.gz --dry-run", does: "which lines are wrong" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const [word, kind, ...files] = values.rest;
  if (word !== "import") {
    throw new UsageError(
      word === undefined
        ? "series needs a word that says what to do, such as traqq series import"
        : `series cannot do ${quoted(word)}: there is import`,
    );
  }
  const format = FILE_FORMATS.find((format) => format === kind);
  if (format === undefined || files.length !== 1) {
    throw new UsageError(
      `series import needs a kind and one file: series import ${FILE_FORMATS.join("|")} FILE`,
    );
  }
  return await importFile(format, files[0], values, terminal);
}
