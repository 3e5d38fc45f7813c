/**
 * How `traqq trails` prints: which formats there are, and lines that come one after the other.
 *
 * @module
 */
import { harmless } from "./draw/text.ts";
import { CliError, UsageError } from "./errors.ts";
import { oneOf, type Values, wholeNumber } from "./flags.ts";
import type { CsvOptions } from "../protocol/csv.ts";
import type { Terminal } from "./terminal.ts";

/** Formats of results. */
export const FORMATS = ["table", "json", "ndjson", "csv", "msgpack"] as const;
/** A format of results. */
export type Format = typeof FORMATS[number];

/** Rows of a table unless told otherwise. */
export const DEFAULT_LIMIT = 20;

/** What the flags say of the output. */
export interface OutputChoice {
  readonly format: Format;
  /** Rows of a table, 0 for all. */
  readonly limit: number;
  readonly csv: CsvOptions;
}

/** @throws {UsageError} for flags of one format beside another */
export function readOutput(values: Values, terminal: Terminal): OutputChoice {
  const format = oneOf(values, "format", FORMATS) ?? "table";
  if (values.has("escape-formulas") && format !== "csv") {
    throw new UsageError("--escape-formulas is for --format csv");
  }
  if (values.has("limit") && format !== "table") {
    throw new UsageError("--limit is for --format table; the others give all rows");
  }
  if (format === "msgpack" && terminal.columns !== undefined) {
    throw new UsageError("--format msgpack is no text; send it to a file or a program");
  }
  return {
    format,
    limit: wholeNumber(values, "limit", 0) ?? DEFAULT_LIMIT,
    csv: {
      escapeFormulas: values.has("escape-formulas"),
      // A file needs control characters as they are.
      shown: terminal.columns === undefined ? undefined : harmless,
    },
  };
}

/** Some lines at a time: neither all at once nor a write for each. */
export function printAll(lines: Iterable<string>, terminal: Terminal): void {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < 1 << 16) continue;
    terminal.out(piece);
    piece = "";
  }
  terminal.out(piece);
}

/** What JSON would have, as MessagePack. The package is loaded for nobody else. */
export async function printMsgpack(value: unknown, terminal: Terminal): Promise<void> {
  const { encode } = await import("@msgpack/msgpack");
  try {
    terminal.outBytes(encode(value));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError("Cannot write MessagePack: the result is too large; take --format ndjson", {
      cause: error,
    });
  }
}
