/**
 * `traqq trails`: runs, tests and checks state machines over each user's events.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import {
  type EventShape,
  readExcluded,
  readFilter,
  readWindows,
  type RunOptions,
  TrailData,
  TrailProgram,
  type TrailsResult,
} from "../trails/mod.ts";
import type { Command } from "./command.ts";
import { Progress } from "./draw/progress.ts";
import { harmless } from "./draw/text.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { oneOf, quoted, type Values, wholeNumber } from "./flags.ts";
import { need } from "./permissions.ts";
import type { Terminal } from "./terminal.ts";
import { readJson, readParameters } from "./trail_parameters.ts";
import { trailsCsv, trailsJson, trailsNdjson, trailsTable } from "./trail_formats.ts";

const DEFAULT_LIMIT = 20;
const WORDS = ["run", "test", "check"] as const;

/** The command. */
export const trails: Command = {
  name: "trails",
  summary: "Run state machines over each user's events, in order of time",
  usage: "run PROGRAM.tr DATA... | test PROGRAM.tr... | check PROGRAM.tr...",
  takesFiles: true,
  about: [
    "A program in the language of trck counts, collects and times out over the events of each user: " +
    "sessions, funnels, attribution. DATA is TrailDB files (.tdb), which have their users and times, " +
    "or Parquet (.parquet), CSV (.csv) and NDJSON, gzipped or not, with --by. docs/trails.md teaches the language.",
    "test runs the tests in a program's comments, check only reads it.",
  ],
  groups: [
    {
      title: "Data",
      flags: [
        { name: "data", value: "PATH", many: true, help: "The same as DATA; repeatable" },
        { name: "by", value: "NAME", help: "The property with the user, for all but TrailDB" },
        { name: "time", value: "NAME", help: "The property with the time; default time" },
        {
          name: "filter",
          value: "JSON",
          help:
            'Only events like this: {"clauses": [[{"field": "type", "value": "x"}]]}, any of an ' +
            "inner list, all of the outer",
        },
        {
          name: "window-file",
          value: "FILE",
          help:
            "Only users and times in it: lines of user,start,end with unix seconds, end not in it",
        },
        { name: "exclude-file", value: "FILE", help: "Not the users in it, one a line" },
      ],
    },
    {
      title: "Run",
      flags: [
        {
          name: "params",
          value: "FILE",
          help: 'Parameters as JSON: {"%a": "x", "@list": [["y"]]}',
        },
        {
          name: "compat",
          value: "trck",
          help: "The answers of the original trck, also where they are wrong",
        },
        { name: "workers", value: "N", help: "Default as many as there are cores, for large data" },
      ],
    },
    {
      title: "Output",
      flags: [
        {
          name: "format",
          value: "table|json|ndjson|csv",
          help: "For people, as the original has it, or a row per value; default table",
        },
        {
          name: "limit",
          value: "N",
          help: `Rows of a set or multiset in a table, 0 for all; default ${DEFAULT_LIMIT}`,
        },
        {
          name: "escape-formulas",
          help: "In CSV, put ' before text that a spreadsheet would run as a formula",
        },
      ],
    },
  ],
  permissions: [{ when: "always", flags: "--allow-read" }],
  examples: [
    {
      line: "traqq trails run sessions.tr --by user events.ndjson",
      does: "count sessions in a log",
    },
    {
      line: "traqq trails run funnel.tr --params ads.json --format csv january.tdb february.tdb",
      does: "a row for each ad, over two files",
    },
    { line: "traqq trails test funnel.tr", does: "run the tests within the program" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const [word, ...files] = values.rest;
  const known = WORDS.find((one) => one === word);
  if (known === undefined) {
    throw new UsageError(
      word === undefined
        ? "trails needs a word that says what to do, such as traqq trails run"
        : `trails cannot do ${quoted(word)}: there is ${WORDS.join(", ")}`,
    );
  }
  if (files.length === 0) {
    throw new UsageError(`trails ${known} needs a program, such as sessions.tr`);
  }
  if (known === "run") return await runProgram(values, files, terminal);
  const wrong = values.firstOf(
    trails.groups.flatMap(({ flags }) => flags.map(({ name }) => name))
      .filter((name) => name !== "compat"),
  );
  if (wrong !== undefined) throw new UsageError(`--${wrong} is for trails run`);
  let code: number = EXIT.ok;
  for (const file of files) {
    const program = await readProgram(values, file);
    if (known === "check") terminal.out(`${file}: ${described(program)}\n`);
    else if (!await testProgram(program, file, terminal)) code = EXIT.failure;
  }
  return code;
}

async function readProgram(values: Values, file: string): Promise<TrailProgram> {
  const compat = oneOf(values, "compat", ["trck"]);
  return TrailProgram.parse(await readFile("the program", file), { file, compat });
}

function described({ parameters, results }: TrailProgram): string {
  const list = (names: readonly string[]) => names.length === 0 ? "nothing" : names.join(", ");
  return `yields ${list(results)}; needs ${list(parameters)}`;
}

/** Whether all tests passed. */
async function testProgram(
  program: TrailProgram,
  file: string,
  terminal: Terminal,
): Promise<boolean> {
  const { tests, failed } = await program.test();
  for (const { name, failure } of tests) {
    if (failure === undefined) continue;
    terminal.out(`${harmless(`${file}: ${name}: ${failure}`)}\n`);
  }
  terminal.out(`${file}: ${tests.length - failed} passed, ${failed} failed\n`);
  return failed === 0;
}

async function runProgram(
  values: Values,
  [file, ...more]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const format = oneOf(values, "format", ["table", "json", "ndjson", "csv"]) ?? "table";
  if (values.has("escape-formulas") && format !== "csv") {
    throw new UsageError("--escape-formulas is for --format csv");
  }
  if (values.has("limit") && format !== "table") {
    throw new UsageError("--limit is for --format table; the others give all rows");
  }
  const limit = wholeNumber(values, "limit", 0) ?? DEFAULT_LIMIT;
  const paths = [...more, ...values.all("data")];
  if (paths.length === 0) throw new UsageError("trails run needs data, such as events.tdb");
  const program = await readProgram(values, file);
  const options = await readOptions(values);
  for (const path of paths) need(`read ${path}`, { name: "read", path });
  const data = await TrailData.open(paths, readShape(values));
  for (const { number, error } of data.report.rejected) {
    terminal.err(`traqq: line ${number}: ${harmless(messageOf(error))}\n`);
  }
  const { rejectedCount } = data.report;
  const progress = new Progress(terminal, file);
  let result: TrailsResult;
  try {
    result = await program.run(data, {
      ...options,
      onProgress: (done, total) =>
        progress.update({
          share: total === 0 ? undefined : done / total,
          events: done,
          rejected: rejectedCount,
        }),
    });
  } finally {
    progress.stop();
  }
  print(result, format, limit, values.has("escape-formulas"), terminal);
  if (rejectedCount === 0) return EXIT.ok;
  const are = rejectedCount === 1 ? "event is" : "events are";
  terminal.err(`traqq: ${rejectedCount} ${are} not in these results\n`);
  return EXIT.failure;
}

function readShape(values: Values): EventShape | undefined {
  const by = values.get("by");
  const time = values.get("time");
  if (by !== undefined) return time === undefined ? { by } : { by, time };
  if (time !== undefined) throw new UsageError("--time needs --by, the property with the user");
  return undefined;
}

async function readOptions(values: Values): Promise<RunOptions> {
  const params = values.get("params");
  const filter = values.get("filter");
  const windows = values.get("window-file");
  const exclude = values.get("exclude-file");
  const workers = wholeNumber(values, "workers", 1);
  return {
    ...(params === undefined ? {} : { parameters: await readParameters(params) }),
    ...(filter === undefined ? {} : { filter: readFilter(readJson("--filter", filter)) }),
    ...(windows === undefined
      ? {}
      : { windows: readWindows(await readFile("the window file", windows)) }),
    ...(exclude === undefined
      ? {}
      : { exclude: readExcluded(await readFile("the exclude file", exclude)) }),
    ...(workers === undefined ? {} : { workers }),
  };
}

function print(
  result: TrailsResult,
  format: "table" | "json" | "ndjson" | "csv",
  limit: number,
  escapeFormulas: boolean,
  terminal: Terminal,
): void {
  switch (format) {
    case "table":
      return terminal.out(trailsTable(result, limit, terminal));
    case "json":
      return terminal.out(trailsJson(result));
    case "ndjson":
      return printAll(trailsNdjson(result), terminal);
    case "csv": {
      // A file needs control characters as they are.
      const shown = terminal.columns === undefined ? undefined : harmless;
      return printAll(trailsCsv(result, { escapeFormulas, shown }), terminal);
    }
  }
}

/** Some lines at a time: neither all at once nor a write for each. */
function printAll(lines: Iterable<string>, terminal: Terminal): void {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < 1 << 16) continue;
    terminal.out(piece);
    piece = "";
  }
  terminal.out(piece);
}
