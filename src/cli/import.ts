/**
 * `traqq import`: what `traqq export` wrote, into a storage.
 *
 * @module
 */
import { ConfigError, StorageError } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import { importCells, type ImportReport } from "../transfer/import.ts";
import { openBareStorage } from "./bare_storage.ts";
import type { Command } from "./command.ts";
import { DeadLetters } from "./dead_letters.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { harmless } from "./draw/text.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { fileInput, type Input, readLines, standardInput } from "./input.ts";
import { readOptions } from "./options.ts";
import { kvPathOf, storageFlags } from "./shared_flags.ts";
import { kindOf } from "./storage.ts";
import { catchSignals, type Signals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** The command. `import` is a word of the language. */
export const importCommand: Command = {
  name: "import",
  summary: "Read what traqq export wrote into a storage",
  usage: "FILE...|-",
  takesFiles: true,
  about: [
    "Reads exports (gzipped or not) from the files or from standard input, into the prefix that they " +
    "were made of, or into --prefix. A prefix that holds something already is refused unless there " +
    "is --merge, and one with another time zone always.",
    "An import that was stopped goes on where it was when the same command is given again: each " +
    "cell counts once, however often that happens.",
  ],
  groups: [
    {
      title: "How",
      flags: [{ name: "merge", help: "Add to what the prefix holds" }],
    },
    storageFlags("kv, which is the default, or redis"),
  ],
  permissions: [
    {
      when: "always",
      flags: "--unstable-kv --allow-read=traqq.db,FILE " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
  ],
  examples: [
    { line: "traqq import backup.ndjson.gz", does: "a file" },
    { line: "traqq import --prefix copy backup.ndjson.gz", does: "beside what there is" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const names = values.rest;
  if (names.length === 0) {
    throw new UsageError("import needs a file, or - for standard input");
  }
  if (names.filter((name) => name === "-").length > 1) {
    throw new UsageError("Standard input (-) can be read only once");
  }
  const { prefix } = await readOptions(values);
  const inputs: Input[] = [];
  for (const name of names) inputs.push(name === "-" ? standardInput() : await fileInput(name));
  await using opened = await openBareStorage(values, terminal, false);
  const letters = new DeadLetters(
    kindOf(values) === "kv" ? kvPathOf(values) : undefined,
    terminal,
  );
  using signals = catchSignals();
  let refused = 0;
  for (const input of inputs) {
    const progress = new Progress(terminal, input.name);
    let bytes = 0;
    const stop = new AbortController();
    handled(signals.stopped.then(() => stop.abort()));
    let report: ImportReport;
    try {
      report = await importCells(
        opened.storage,
        linesOf(input, signals, (read) => bytes = read),
        {
          prefix,
          merge: values.has("merge"),
          signal: stop.signal,
          onProgress: ({ cells }) =>
            progress.update({
              share: input.bytes ? bytes / input.bytes : undefined,
              events: cells,
              rejected: refused,
              noun: "cell",
            }),
          onRefused({ cell, error }) {
            progress.clear();
            const message = `Storage refuses a cell for good: ${error.message}`;
            letters.onError(new StorageError("refused", message, { cause: { cell, error } }));
          },
        },
      );
    } catch (error) {
      throw explained(error, input);
    } finally {
      progress.stop();
    }
    refused += report.refused;
    terminal.out(summary(report, input, terminal));
    if (!report.complete) {
      terminal.err("Stopped; the same command goes on from there\n");
      return signals.exitCode ?? EXIT.failure;
    }
  }
  return refused > 0 ? EXIT.failure : EXIT.ok;
}

/** Ends early when a signal comes, also while nothing arrives. */
async function* linesOf(
  input: Input,
  signals: Signals,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  const stop = signals.stopped.then(() => "stop" as const);
  const pieces = readLines(input, onBytes);
  while (signals.exitCode === undefined) {
    const next = await Promise.race([stop, handled(pieces.next())]);
    if (next === "stop" || next.done) return;
    for (const { number, text, error } of next.value) {
      if (text === undefined) throw new CliError(`Cannot read line ${number}: ${error}`);
      yield text;
    }
  }
}

function explained(error: unknown, input: Input): unknown {
  if (error instanceof ConfigError) {
    return new ConfigError(
      `${input.name}: ${error.message.replace("or set merge", "or give --merge")}`,
      { cause: error },
    );
  }
  if (!(error instanceof SyntaxError)) return error;
  return new CliError(`${input.name}: ${error.message}`, { cause: error });
}

function summary(report: ImportReport, input: Input, terminal: Terminal): string {
  const number = (value: number) =>
    formatNumber(value, { grouped: terminal.columns !== undefined });
  const notes = [
    report.skipped > 0 ? `${number(report.skipped)} of them before` : "",
    report.refused > 0 ? `${number(report.refused)} refused` : "",
  ].filter((note) => note !== "").join(", ");
  return `Imported ${number(report.cells)} ${report.cells === 1 ? "cell" : "cells"} of ${
    harmless(input.name)
  } into prefix ${harmless(report.prefix)}${notes === "" ? "" : ` (${notes})`}\n`;
}
