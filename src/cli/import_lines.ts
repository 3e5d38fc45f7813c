/**
 * The lines of an export into a storage, with what a command says about it: how far it is, what storage
 * refused, what was done.
 *
 * @module
 */
import { ConfigError, StorageError } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import type { Storage } from "../storage/storage.ts";
import { importCells, type ImportReport } from "../transfer/import.ts";
import type { DeadLetters } from "./dead_letters.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { harmless } from "./draw/text.ts";
import { CliError } from "./errors.ts";
import type { Signals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** What is imported. */
export interface ImportSource {
  /** What to call it in a message. */
  readonly name: string;
  readonly lines: AsyncIterable<string>;
  /** How much was read, from 0 to 1, once so many cells are in storage. */
  share(cells: number): number | undefined;
}

/** Where it goes, and who is told. */
export interface ImportTarget {
  readonly storage: Storage;
  /** Undefined: the export's own. */
  readonly prefix: string | undefined;
  readonly merge: boolean;
  readonly letters: DeadLetters;
  readonly signals: Signals;
  readonly terminal: Terminal;
}

/** Imports, prints what was done, and gives the report; it is not complete if a signal came. */
export async function importLines(
  source: ImportSource,
  target: ImportTarget,
): Promise<ImportReport> {
  const { storage, prefix, merge, letters, signals, terminal } = target;
  const progress = new Progress(terminal, source.name);
  const stop = new AbortController();
  handled(signals.stopped.then(() => stop.abort()));
  let refused = 0;
  let report: ImportReport;
  try {
    report = await importCells(storage, source.lines, {
      prefix,
      merge,
      signal: stop.signal,
      onProgress: ({ cells }) =>
        progress.update({
          share: source.share(cells),
          events: cells,
          rejected: refused,
          noun: "cell",
        }),
      onRefused({ cell, error }) {
        refused++;
        progress.clear();
        const message = `Storage refuses a cell for good: ${error.message}`;
        letters.onError(new StorageError("refused", message, { cause: { cell, error } }));
      },
    });
  } catch (error) {
    throw explained(error, source);
  } finally {
    progress.stop();
  }
  terminal.out(summary(report, source, terminal));
  if (!report.complete) terminal.err("Stopped; the same command goes on from there\n");
  return report;
}

function explained(error: unknown, { name }: ImportSource): unknown {
  if (error instanceof ConfigError) {
    return new ConfigError(
      `${name}: ${error.message.replace("or set merge", "or give --merge")}`,
      { cause: error },
    );
  }
  if (!(error instanceof SyntaxError)) return error;
  return new CliError(`${name}: ${error.message}`, { cause: error });
}

function summary(report: ImportReport, { name }: ImportSource, terminal: Terminal): string {
  const number = (value: number) =>
    formatNumber(value, { grouped: terminal.columns !== undefined });
  const notes = [
    report.skipped > 0 ? `${number(report.skipped)} of them before` : "",
    report.refused > 0 ? `${number(report.refused)} refused` : "",
  ].filter((note) => note !== "").join(", ");
  return `Imported ${number(report.cells)} ${report.cells === 1 ? "cell" : "cells"} of ${
    harmless(name)
  } into prefix ${harmless(report.prefix)}${notes === "" ? "" : ` (${notes})`}\n`;
}
