/**
 * An answer as bytes, in any of its forms.
 *
 * @module
 */
import type { SqlResult } from "../session.ts";
import { toCsv } from "./csv.ts";
import { toJson, toNdjson } from "./json.ts";

/** The forms. */
export type Format = "json" | "ndjson" | "csv" | "arrow";

/**
 * The answer in pieces.
 *
 * @param measurement what JSON calls it
 * @param startedMs when it was asked, by `performance.now()`
 */
export async function writeAnswer(
  format: Format,
  result: SqlResult,
  measurement: string,
  startedMs: number,
): Promise<AsyncIterable<Uint8Array>> {
  switch (format) {
    case "json":
      return encoded(toJson(result, measurement, startedMs));
    case "ndjson":
      return encoded(toNdjson(result));
    case "csv":
      return encoded(toCsv(result));
    case "arrow": // late: nobody else loads the package
      return (await import("./arrow.ts")).toArrow(result);
  }
}

/** What RusTs calls an answer: the measurement that was read; where it is not one, what was asked for. */
export function nameOf(sql: string, { tables }: SqlResult): string {
  if (tables.length === 1) return tables[0];
  return /^\s*show\s+tables\b/i.test(sql) ? "_tables" : "_sql";
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of pieces) yield encoder.encode(piece);
}
