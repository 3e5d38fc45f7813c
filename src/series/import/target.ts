/**
 * Where points of an import go: a directory of series that is opened here, or a server.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { quoteName, quoteText } from "../engine/duckdb/quote.ts";
import type { Tag } from "../points/batch.ts";
import type { RejectedLine } from "../points/line_error.ts";
import { ImportError } from "./errors.ts";
import type { TablePart } from "./table_reader.ts";

/** What became of a part. */
export interface Written {
  readonly points: number;
  readonly rejectedLines: number;
  /** Some of them: of lines the line, of a table the row in the part, from 1. */
  readonly rejected: readonly RejectedLine[];
}

/** The answer to a question. */
export type Asked = readonly Readonly<Record<string, unknown>>[] | "missing" | "forbidden";

/** See the top of this file. */
export interface ImportTarget extends AsyncDisposable {
  /** What it is called in messages, and by which an import is found again. */
  readonly name: string;
  /** Points that go to it at once unless told otherwise. */
  readonly batchSize: number;
  /**
   * Writes line protocol with times in nanoseconds; resolves when it has it as durably as it promises.
   *
   * @param points how many there are in it
   */
  writeLines(lines: Uint8Array<ArrayBuffer>, points: number): Promise<Written>;
  /** Prepares rows of a table, while those before are still written; gives what writes them. */
  tableWriter(part: TablePart): () => Promise<Written>;
  /** Rows of a question. `missing`: there is no such table or column; `forbidden`: it may not be asked. */
  ask(sql: string): Promise<Asked>;
}

/** How many points a measurement has; undefined if that may not be asked. */
export async function countPoints(
  target: ImportTarget,
  measurement: string,
): Promise<number | undefined> {
  return countIn(await target.ask(`SELECT count(*) AS n FROM ${quoteName(measurement)}`));
}

/** Whether a measurement has a point of this series and time. */
export async function hasPoint(
  target: ImportTarget,
  { measurement, time, tags }: { measurement: string; time: string; tags: readonly Tag[] },
): Promise<boolean> {
  const filters = tags.map(([key, value]) => ` AND ${quoteName(key)} = ${quoteText(value)}`);
  const answer = await target.ask(
    `SELECT count(*) AS n FROM ${quoteName(measurement)} ` +
      `WHERE epoch_ns(time) = ${BigInt(time)}${filters.join("")}`,
  );
  return (countIn(answer) ?? 0) > 0;
}

function countIn(answer: Asked): number | undefined {
  if (answer === "forbidden") return undefined;
  return answer === "missing" ? 0 : Number(answer[0].n);
}

/** Whether a statement failed because there is no such table or column. */
export function isMissing(code: unknown): boolean {
  return code === "42P01" || code === "42703";
}

/** Values that are asked for at once. */
const PAGE = 100_000;

/** All values that a column of a measurement has, as text. */
export async function valuesOf(
  target: ImportTarget,
  measurement: string,
  column: string,
): Promise<Set<string>> {
  const values = new Set<string>();
  const text = `CAST(${quoteName(column)} AS VARCHAR)`;
  let last = "";
  for (;;) {
    const behind = last === "" ? "" : ` AND ${text} > ${quoteText(last)}`;
    const rows = await target.ask(
      `SELECT DISTINCT ${text} AS value FROM ${quoteName(measurement)} ` +
        `WHERE ${quoteName(column)} IS NOT NULL${behind} ORDER BY value LIMIT ${PAGE}`,
    );
    if (rows === "missing") return values;
    if (rows === "forbidden") {
      throw new ImportError(
        `Cannot read what ${show(column)} holds already: the token may not read; give one that may`,
      );
    }
    for (const { value } of rows) values.add(last = value as string);
    if (rows.length < PAGE) return values;
  }
}
