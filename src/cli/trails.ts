/**
 * `traqq trails`: runs, tests, checks and draws state machines over each user's events, and asks ready
 * questions of them.
 *
 * @module
 */
import { TrailProgram, type TrailsResult } from "../trails/mod.ts";
import type { Command } from "./command.ts";
import { harmless } from "./draw/text.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { oneOf, quoted, type Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import { trailsCsv, trailsJson, trailsNdjson, trailsTable } from "./trail_formats.ts";
import { overData } from "./trails_data.ts";
import { checkFlags, GROUPS, WORDS } from "./trails_flags.ts";
import { type OutputChoice, printAll, printMsgpack, readOutput } from "./trails_output.ts";
import { ask } from "./trails_question.ts";

/** The command. */
export const trails: Command = {
  name: "trails",
  summary: "Run state machines over each user's events, in order of time",
  usage: "run PROGRAM.tr DATA... | test|check|draw PROGRAM.tr... | " +
    "funnel|sessions|retention|paths DATA...",
  takesFiles: true,
  about: [
    "A program in the language of trck counts, collects and times out over the events of each user: " +
    "sessions, funnels, attribution. DATA is TrailDB files (.tdb), which have their users and times, " +
    "or Parquet (.parquet), CSV (.csv) and NDJSON, gzipped or not, with --by. docs/trails.md teaches the language.",
    "test runs the tests in a program's comments, check only reads it, draw makes a picture of it.",
    "funnel, sessions, retention and paths are ready questions; --print gives the program that each " +
    "stands for.",
  ],
  groups: GROUPS,
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
    {
      line: "traqq trails funnel --step visit --step signup --within 7d --by user events.ndjson",
      does: "how many users come how far",
    },
    {
      line: "traqq trails draw funnel.tr > funnel.svg",
      does: "a picture of the machine",
    },
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
  checkFlags(known, values);
  switch (known) {
    case "funnel":
    case "sessions":
    case "retention":
    case "paths":
      return await ask(known, values, files, terminal);
  }
  if (files.length === 0) {
    throw new UsageError(`trails ${known} needs a program, such as sessions.tr`);
  }
  if (known === "run") return await runProgram(values, files, terminal);
  if (known === "draw") return await drawProgram(values, files, terminal);
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

async function drawProgram(
  values: Values,
  [file, ...more]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const format = oneOf(values, "format", ["svg", "mermaid"]) ?? "svg";
  if (more.length > 0) {
    throw new UsageError(`trails draw takes one program, received ${quoted(more[0])} too`);
  }
  const program = await readProgram(values, file);
  terminal.out(program.draw(format));
  return EXIT.ok;
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
  const output = readOutput(values, terminal);
  const paths = [...more, ...values.all("data")];
  if (paths.length === 0) throw new UsageError("trails run needs data, such as events.tdb");
  const program = await readProgram(values, file);
  return await overData(
    values,
    paths,
    terminal,
    file,
    (data, options) => program.run(data, options),
    (result) => print(result, output, terminal),
  );
}

function print(
  result: TrailsResult,
  { format, limit, csv }: OutputChoice,
  terminal: Terminal,
): void | Promise<void> {
  switch (format) {
    case "table":
      return terminal.out(trailsTable(result, limit, terminal));
    case "json":
      return terminal.out(trailsJson(result));
    case "ndjson":
      return printAll(trailsNdjson(result), terminal);
    case "csv":
      return printAll(trailsCsv(result, csv), terminal);
    case "msgpack":
      return printMsgpack(result.toJSON(), terminal);
  }
}
