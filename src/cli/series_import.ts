/**
 * `traqq series import`: the flags, the target they name, and what is said of the import.
 *
 * @module
 */
import type { ImportOptions, ImportReport } from "../series/import/importer.ts";
import type { ImportTarget } from "../series/import/target.ts";
import type { TableReader } from "../series/import/table_reader.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { drawTable } from "./draw/table.ts";
import { harmless } from "./draw/text.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { type FlagGroup, oneOf, quoted, type Values, wholeNumber } from "./flags.ts";
import { need, workerPermissions } from "./permissions.ts";
import { HTTP_ADDR } from "./serve_http.ts";
import { tokenFlag } from "./shared_flags.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { readTokens } from "./tokens.ts";

/** Kinds of files. */
export const FILE_FORMATS = ["parquet", "csv", "ndjson", "lp"] as const;
/** One of them. */
export type FileFormat = (typeof FILE_FORMATS)[number];

const DEFAULT_SERVER = `http://${HTTP_ADDR}`;
const DEFAULT_MEASUREMENT = "imported";
const DEFAULT_TIMESTAMP = "timestamp";
/** Rows that are no points, of which the reason is printed. */
const MAX_SHOWN = 10;

/** The flags. */
export const IMPORT_FLAGS: readonly FlagGroup[] = [
  {
    title: "What a row is",
    flags: [
      {
        name: "measurement",
        short: "m",
        value: "NAME",
        help: `Of all points; default ${DEFAULT_MEASUREMENT}. Line protocol has its own`,
      },
      {
        name: "timestamp-column",
        short: "t",
        value: "NAME",
        help: `The column with the time; default ${DEFAULT_TIMESTAMP}`,
      },
      {
        name: "time-unit",
        value: "ns|us|ms|s",
        help: "What whole numbers in it count in, since 1970; default ns",
      },
      { name: "tags", value: "NAMES", help: "Columns that are tags, with commas: host,region" },
      {
        name: "dedup-column",
        value: "NAME",
        help:
          "Pass over rows whose value here is in the database already, or came before in the file",
      },
    ],
  },
  {
    title: "Where to",
    flags: [
      {
        name: "server",
        short: "s",
        value: "URL",
        help: `A traqq serve --http --series; default ${DEFAULT_SERVER}`,
      },
      tokenFlag("Its token"),
      { name: "direct", help: "Into a folder that no server has open: needs --series" },
      { name: "series", value: "DIR", help: "The folder of traqq serve --series, for --direct" },
      {
        name: "batch-size",
        short: "b",
        value: "N",
        help: "Points that are written at once; default 10000, with --direct 500000",
      },
    ],
  },
  {
    title: "Only look",
    flags: [
      { name: "schema-only", help: "Print the columns, and what they become; import nothing" },
      { name: "dry-run", help: "Read all of the file, but write nothing" },
    ],
  },
];

/** Imports a file and says what became of it; gives the exit code. */
export async function importFile(
  format: FileFormat,
  file: string,
  values: Values,
  terminal: Terminal,
): Promise<number> {
  checkFlags(format, values);
  const batchSize = wholeNumber(values, "batch-size", 1);
  const timeUnit = oneOf(values, "time-unit", ["ns", "us", "ms", "s"]);
  need(`read ${file}`, { name: "read", path: file });
  if (format !== "lp") need(`read ${file}`, { name: "ffi" });
  const path = await realPath(file);
  if (!values.has("dry-run") && !values.has("schema-only")) {
    const { pathBeside } = await import("../series/import/checkpoint.ts");
    const noted = pathBeside(path);
    need("note how far it is", { name: "read", path: noted }, { name: "write", path: noted });
  }
  using signals = catchSignals();
  const stop = new AbortController();
  void signals.stopped.then(() => stop.abort());
  const { importLines, importTable } = await import("../series/import/importer.ts");
  const progress = new Progress(terminal, file);
  const options = (target: ImportTarget | undefined): ImportOptions => ({
    target,
    batchSize,
    signal: stop.signal,
    onProgress: ({ points, rejectedRows }, share) =>
      progress.update({ share, events: points, rejected: rejectedRows, noun: "point" }),
  });
  let report: ImportReport;
  const startedMs = performance.now();
  try {
    if (format === "lp") {
      await using target = await openTarget(values, stop.signal);
      report = await importLines(path, options(target));
    } else {
      const table = {
        format,
        measurement: values.get("measurement") ?? DEFAULT_MEASUREMENT,
        timestampColumn: values.get("timestamp-column") ?? DEFAULT_TIMESTAMP,
        timeUnit,
        tags: (values.get("tags") ?? "").split(",").filter((name) => name !== ""),
        dedupColumn: values.get("dedup-column"),
      };
      if (values.has("schema-only")) return await printSchema(path, table, terminal);
      const { TableReader } = await import("../series/import/table_reader.ts");
      using reader: TableReader = await TableReader.open(path, table);
      await using target = await openTarget(values, stop.signal);
      report = await importTable(path, reader, table, options(target));
    }
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  terminal.out(`${summary(report, values.has("dry-run"), seconds)}\n`);
  for (const line of remarks(report, format)) terminal.err(`traqq: ${harmless(line)}\n`);
  if (report.isStopped) return signals.exitCode ?? EXIT.failure;
  return report.rejectedRows > 0 ? EXIT.failure : EXIT.ok;
}

function checkFlags(format: FileFormat, values: Values): void {
  const has = (name: string) => values.has(name);
  const refuse = (name: string | undefined, why: string) => {
    if (name !== undefined) throw new UsageError(`--${name} ${why}`);
  };
  if (format === "lp") {
    refuse(
      values.firstOf([
        ...["measurement", "timestamp-column", "time-unit", "tags", "dedup-column"],
        ...["batch-size", "schema-only"],
      ]),
      "is for tables; a line of line protocol says itself what it is",
    );
  }
  if (has("direct")) {
    refuse(values.firstOf(["server", "token-file"]), "is for a server; leave --direct out");
    if (!has("series") && !has("dry-run") && !has("schema-only")) {
      throw new UsageError("--direct needs the folder: --series DIR");
    }
  } else if (has("series")) {
    throw new UsageError("--series is for --direct; a server has its own folder");
  }
}

/** Undefined: nothing is written. */
async function openTarget(values: Values, signal: AbortSignal): Promise<ImportTarget | undefined> {
  if (values.has("dry-run")) return undefined;
  if (values.has("direct")) {
    const directory = values.get("series")!;
    need(
      "write the series",
      { name: "ffi" },
      ...workerPermissions(),
      { name: "read", path: directory },
      { name: "write", path: directory },
    );
    const { Series } = await import("../series/series.ts");
    const { directTarget } = await import("../series/import/direct_target.ts");
    return await directTarget(await Series.open({ directory }), directory);
  }
  const url = values.get("server") ?? DEFAULT_SERVER;
  const address = URL.parse(url);
  if (address === null) {
    throw new UsageError(
      `--server wants an address such as ${DEFAULT_SERVER}, received ${quoted(url)}`,
    );
  }
  need(`connect to ${address.host}`, { name: "net", host: address.host });
  const { serverTarget } = await import("../series/import/server_target.ts");
  const token = (await readTokens(values))[0]?.token;
  return serverTarget({ url, token, signal });
}

async function printSchema(
  path: string,
  table: Parameters<typeof TableReader.open>[1],
  terminal: Terminal,
): Promise<number> {
  const { TableFile } = await import("../series/import/table_file.ts");
  const { planField } = await import("../series/import/column_plan.ts");
  using file = await TableFile.open(path, table.format, table);
  const rows = file.columns.map((column) => {
    const { name, type } = column;
    const becomes = name === table.timestampColumn
      ? "time"
      : table.tags.includes(name)
      ? "tag"
      : planField(column).type;
    return [name, type, becomes].map(harmless);
  });
  const columns = ["column", "type", "becomes"].map((title) => ({ title }));
  terminal.out(
    `${drawTable(columns, rows, { width: terminal.columns, style: terminal.style }).join("\n")}\n`,
  );
  return EXIT.ok;
}

function summary(report: ImportReport, isDry: boolean, seconds: number): string {
  const { points, rejectedRows, duplicates, united, isStopped } = report;
  const begin = isDry ? "Would write" : isStopped ? "Stopped after" : "Wrote";
  const parts = [`${begin} ${counted(points, "point")}`];
  if (rejectedRows > 0) parts.push(`refused ${counted(rejectedRows, "row")}`);
  if (duplicates > 0) parts.push(`passed over ${counted(duplicates, "duplicate")}`);
  if (united !== undefined && united > 0) {
    parts.push(`${counted(united, "point")} met another of the same tags and time`);
  }
  const rate = Math.round(points / Math.max(seconds, 0.001));
  return `${parts.join(", ")} (${seconds.toFixed(1)} s, ${counted(rate, "point")}/s)`;
}

function* remarks(report: ImportReport, format: FileFormat): Generator<string> {
  const { rejected, rejectedRows, united, lost, isStopped, checkpointFailure, resumedAt } = report;
  const what = format === "lp" ? "line" : "row";
  if (resumedAt > 0) {
    const unit = format === "lp" ? "byte" : "row";
    yield `went on behind ${unit} ${
      formatNumber(resumedAt, { grouped: true })
    }, which was done before`;
  }
  for (const { line, error } of rejected.slice(0, MAX_SHOWN)) yield `${what} ${line}: ${error}`;
  const more = rejectedRows - Math.min(rejected.length, MAX_SHOWN);
  if (more > 0) yield `and ${counted(more, what)} more that are no points`;
  if (united !== undefined && united > 0) {
    yield "points of the same tags and time are one point, of which the later value wins; if they are " +
      "different things, name the columns that tell them apart by --tags";
  }
  if (lost > 0) yield `left out ${counted(lost, "value")} that is no number (NaN, infinite)`;
  if (isStopped) yield "stopped; give the same command again, and it goes on";
  if (checkpointFailure !== undefined) {
    yield `could not note how far it was (${checkpointFailure}): once stopped, it begins anew`;
  }
}

function counted(count: number, noun: string): string {
  return `${formatNumber(count, { grouped: true })} ${noun}${count === 1 ? "" : "s"}`;
}

/** DuckDB is let at this path and no other. */
async function realPath(file: string): Promise<string> {
  try {
    return await Deno.realPath(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CliError(`Cannot read ${file}: there is no such file; look at its name`);
  }
}
