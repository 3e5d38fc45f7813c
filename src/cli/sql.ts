/**
 * `traqq sql`: points, asked in SQL, of a server or of a folder that is opened here.
 *
 * @module
 */
import type { Format } from "../series/sql/results/write.ts";
import type { Command } from "./command.ts";
import { harmless, harmlessJson } from "./draw/text.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { oneOf, type Values, wholeNumber } from "./flags.ts";
import { standardInput } from "./input.ts";
import { tokenFlag } from "./shared_flags.ts";
import { catchSignals } from "./signals.ts";
import { drawRows } from "./sql_report.ts";
import { openSource, type SqlSource } from "./sql_source.ts";
import { splitStatements } from "./sql_statements.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_LIMIT = 100;
const FORMATS = ["table", "json", "ndjson", "csv", "arrow"] as const;

/** The command. */
export const sql: Command = {
  name: "sql",
  summary: "Ask about points in SQL: tables, charts, JSON, CSV, Arrow",
  usage: '["STATEMENT"]',
  takesFiles: true,
  about: [
    "Asks a server that keeps points (traqq serve --series), or opens the folder itself, which no server " +
    "may have open then. Without a statement it reads them from --file, or from standard input; " +
    "several are parted by ;.",
    "What can be asked is in docs/series.md: SELECT with all that DuckDB has, SHOW TABLES, DESCRIBE, " +
    "SUMMARIZE and EXPLAIN. Nothing can be written.",
  ],
  groups: [
    {
      title: "Where the points are",
      flags: [
        { name: "server", value: "URL", help: "A server's address over HTTP" },
        { name: "series", value: "DIR", help: "The folder of points, opened here" },
        tokenFlag("The server's token"),
      ],
    },
    {
      title: "What",
      flags: [{
        name: "file",
        value: "FILE",
        help: "Statements from this file; - is standard input",
      }],
    },
    {
      title: "Output",
      flags: [
        {
          name: "format",
          value: FORMATS.join("|"),
          help: "For people, or for programs; default table",
        },
        {
          name: "limit",
          value: "N",
          help: `Rows of a table; 0 for all; default ${DEFAULT_LIMIT}. The others give all rows`,
        },
        { name: "chart", help: "A bar beside each row, for the last column of numbers" },
      ],
    },
  ],
  permissions: [
    { when: "--server http://127.0.0.1:8080", flags: "--allow-net=127.0.0.1:8080" },
    { when: "--series DIR", flags: "--allow-ffi --allow-read=DIR --allow-write=DIR" },
    { when: "--file, --token-file", flags: "--allow-read=FILE" },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN" },
  ],
  examples: [
    {
      line: 'traqq sql --server http://127.0.0.1:8080 "SHOW TABLES"',
      does: "what was measured",
    },
    {
      line: 'traqq sql --series points "SELECT host, avg(usage) FROM cpu GROUP BY host" --chart',
      does: "from a folder, with bars",
    },
    {
      line: "traqq sql --series points --file report.sql --format csv > report.csv",
      does: "for a spreadsheet",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const format = oneOf(values, "format", FORMATS) ?? "table";
  const limit = wholeNumber(values, "limit", 0) ?? DEFAULT_LIMIT;
  if (format !== "table") {
    const other = values.firstOf(["limit", "chart"]);
    if (other !== undefined) throw new UsageError(`--${other} is for --format table`);
  }
  if (format === "arrow" && terminal.columns !== undefined) {
    throw new UsageError("--format arrow is no text; send it into a file: > answer.arrow");
  }
  const statements = await readStatements(values);
  if (statements.length > 1 && (format === "arrow" || format === "csv")) {
    throw new UsageError(`--format ${format} is for one statement, received ${statements.length}`);
  }
  using signals = catchSignals();
  const cancel = new AbortController();
  void signals.stopped.then(() => cancel.abort());
  await using source = await openSource(values);
  try {
    for (const [i, statement] of statements.entries()) {
      if (format !== "table") await write(source, statement, format, terminal, cancel.signal);
      else {
        if (i > 0) terminal.out("\n");
        const rows = await source.show(statement, limit || Infinity, cancel.signal);
        terminal.out(drawRows(rows, values.has("chart"), terminal));
      }
    }
  } catch (error) {
    if (signals.exitCode !== undefined) return signals.exitCode;
    throw error;
  }
  return EXIT.ok;
}

async function readStatements(values: Values): Promise<string[]> {
  const [statement, ...more] = values.rest;
  const file = values.get("file");
  if (more.length > 0) {
    throw new UsageError('sql takes one argument: put the statement into quotes, "SELECT 1"');
  }
  if (statement !== undefined && file !== undefined) {
    throw new UsageError("A statement and --file do not go together; give one or the other");
  }
  const text = statement ??
    (file !== undefined && file !== "-"
      ? await readFile("statements from", file)
      : await readInput());
  const statements = splitStatements(text);
  if (statements.length > 0) return statements;
  throw new UsageError('sql needs a statement, such as traqq sql --series points "SHOW TABLES"');
}

async function readInput(): Promise<string> {
  const bytes = await new Response(await standardInput().open()).bytes();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliError("Cannot read statements from standard input: it is no UTF-8");
  }
}

async function write(
  source: SqlSource,
  statement: string,
  format: Format,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const pieces = await source.write(statement, format, signal);
  const decoder = new TextDecoder();
  const isShown = terminal.columns !== undefined;
  const out = (text: string) =>
    terminal.out(
      !isShown ? text : format === "csv" ? harmlessLines(text) : harmlessLines(text, harmlessJson),
    );
  for await (const piece of pieces) {
    if (format === "arrow") terminal.outBytes(piece);
    else out(decoder.decode(piece, { stream: true }));
  }
  if (format === "json") out("\n");
}

/** A value may hold what moves the cursor; the ends of lines are ours. */
function harmlessLines(text: string, clean: (line: string) => string = harmless): string {
  return text.split("\n").map((line) => clean(line.replace(/\r$/, ""))).join("\n");
}
