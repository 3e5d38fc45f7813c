/**
 * An import: parts of a file into a target, one after the other, while the next part is read.
 *
 * @module
 */
import type { RejectedLine } from "../points/line_error.ts";
import { Checkpoint, type LastPoint, type Progressed } from "./checkpoint.ts";
import { type LinesPart, readLines } from "./lines_reader.ts";
import { countPoints, hasPoint, type ImportTarget, valuesOf, type Written } from "./target.ts";
import type { TableOptions, TablePart, TableReader } from "./table_reader.ts";

/** Rows that are named when they are no points. */
const MAX_REPORTED = 1000;

/** What an import takes beside the file. */
export interface ImportOptions {
  /** Undefined: the file is read, and nothing is written. */
  readonly target: ImportTarget | undefined;
  /** Points that go to the target at once; default what suits it. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Told after each part; `share` is from 0 to 1. */
  readonly onProgress?: (report: ImportReport, share: number | undefined) => void;
}

/** What became of a file. */
export interface ImportReport {
  /** Points that the target has taken, or would take. */
  points: number;
  /** Rows or lines that are no points, or that the target refused. */
  rejectedRows: number;
  /** The first 1,000 of them, by the number of the row or line from 1. */
  rejected: RejectedLine[];
  /** Rows that were passed over, as the target has their value of the dedup column. */
  duplicates: number;
  /** Points that met another one with the same series and time, and became one with it. */
  united: number | undefined;
  /** Values that were left out, such as NaN. */
  lost: number;
  /** Rows or bytes that an earlier import had done. */
  resumedAt: number;
  /** It was stopped before the end, and goes on when it is run again. */
  isStopped: boolean;
  /** Why no checkpoint could be written. */
  checkpointFailure: string | undefined;
}

/** Imports a file of rows. @throws {ImportError} */
export async function importTable(
  path: string,
  reader: TableReader,
  table: TableOptions,
  options: ImportOptions,
): Promise<ImportReport> {
  const { target } = options;
  const run = await Run.begin(path, { ...table, kind: "table" }, table.measurement, options);
  run.report.lost = reader.lost;
  const { measurement, dedupColumn } = table;
  const known = target !== undefined && dedupColumn !== undefined
    ? await valuesOf(target, measurement, dedupColumn)
    : new Set<string>();
  const size = options.batchSize ?? target?.batchSize ?? 500_000;
  const parts = reader.parts(size, run.start.at, known);
  const isDone = await run.drive(parts, {
    writer: (part: TablePart) => target!.tableWriter(part),
    place: (part) => ({ at: part.nextRow, line: 0, share: part.nextRow / reader.rows }),
    number: (part, row) => part.rowNumbers[row - 1],
    points: (part) => part.times.length,
    last: lastOf,
  });
  if (isDone && target === undefined) run.report.united = await reader.sharedRows();
  return await run.end(isDone);
}

/** Imports a file of line protocol. @throws {ImportError} */
export async function importLines(path: string, options: ImportOptions): Promise<ImportReport> {
  const { target } = options;
  const run = await Run.begin(path, { kind: "lines" }, undefined, options);
  const { size } = await Deno.stat(path);
  let bytes = 0;
  const parts = readLines(
    path,
    { byte: run.start.at, line: run.start.line + 1 },
    (read) => bytes = read,
  );
  const isDone = await run.drive(parts, {
    writer: (part: LinesPart) => () => target!.writeLines(part.lines, part.points),
    place: (part) => ({ at: part.nextByte, line: part.nextLine - 1, share: bytes / size }),
    number: (part, line) => part.firstLine + line - 1,
    points: (part) => part.points,
    last: (part) => part.last,
  });
  return await run.end(isDone);
}

/** What differs between rows and lines. */
interface Kind<P> {
  /** Prepares a part while the one before is written; gives what writes it. */
  writer(part: P): () => Promise<Written>;
  place(part: P): { at: number; line: number; share: number };
  /** Number in the file of what the target refused. */
  number(part: P, line: number): number;
  points(part: P): number;
  last(part: P): LastPoint | undefined;
}

/** An import while it runs. */
class Run {
  readonly report: ImportReport = {
    ...{ points: 0, rejectedRows: 0, rejected: [], duplicates: 0, united: undefined, lost: 0 },
    ...{ resumedAt: 0, isStopped: false, checkpointFailure: undefined },
  };
  readonly start: Progressed;
  readonly #options: ImportOptions;
  readonly #measurement: string | undefined;
  readonly #checkpoint: Checkpoint | undefined;
  #last: LastPoint | undefined;

  private constructor(
    options: ImportOptions,
    measurement: string | undefined,
    checkpoint: Checkpoint | undefined,
    start: Progressed,
  ) {
    this.#options = options;
    this.#measurement = measurement;
    this.#checkpoint = checkpoint;
    this.start = start;
    this.#last = start.last;
    this.report.points = start.points;
    this.report.rejectedRows = start.rejected;
    this.report.duplicates = start.duplicates;
    this.report.resumedAt = start.at;
  }

  static async begin(
    path: string,
    how: object,
    measurement: string | undefined,
    options: ImportOptions,
  ): Promise<Run> {
    const { target } = options;
    const nothing = { at: 0, line: 0, points: 0, rejected: 0, duplicates: 0 };
    if (target === undefined) return new Run(options, measurement, undefined, nothing);
    const checkpoint = await Checkpoint.of(path, { ...how, target: target.name });
    const found = await checkpoint.read();
    if (found?.last !== undefined && await hasPoint(target, found.last)) {
      return new Run(options, measurement, checkpoint, found);
    }
    const before = measurement === undefined ? undefined : await countPoints(target, measurement);
    return new Run(options, measurement, checkpoint, { ...nothing, before });
  }

  /** Writes all parts; gives whether it came to the end. */
  async drive<P extends { readonly rejected: readonly RejectedLine[]; duplicates?: number }>(
    parts: AsyncGenerator<P>,
    kind: Kind<P>,
  ): Promise<boolean> {
    const { target, signal, onProgress } = this.#options;
    const { report } = this;
    let writing: Promise<void> = Promise.resolve();
    const write = async (part: P, send: (() => Promise<Written>) | undefined) => {
      // Before its memory goes to the target.
      const last = kind.last(part);
      const points = kind.points(part);
      const written = await send?.() ?? { points, rejectedLines: 0, rejected: [] };
      report.points += written.points;
      report.duplicates += part.duplicates ?? 0;
      this.#reject(part.rejected.length, part.rejected);
      this.#reject(
        written.rejectedLines,
        written.rejected.map(({ line, error }) => ({ line: kind.number(part, line), error })),
      );
      const { share, ...place } = kind.place(part);
      this.#last = last ?? this.#last;
      await this.#checkpoint?.write({
        ...this.start,
        ...place,
        points: report.points,
        rejected: report.rejectedRows,
        duplicates: report.duplicates,
        last: this.#last,
      });
      onProgress?.(report, share);
    };
    try {
      for await (const part of parts) {
        const send = target && kind.writer(part);
        await writing;
        if (signal?.aborted) return false;
        writing = write(part, send);
        // It may fail while the next part is read.
        writing.catch(() => {});
      }
      await writing;
      return true;
    } catch (error) {
      if (signal?.aborted) return false;
      throw error;
    } finally {
      await writing.catch(() => {});
      await parts.return(undefined);
    }
  }

  async end(isDone: boolean): Promise<ImportReport> {
    const { report, start } = this;
    const { target } = this.#options;
    report.isStopped = !isDone;
    report.rejected.sort((a, b) => a.line - b.line);
    report.checkpointFailure = this.#checkpoint?.failure;
    if (!isDone) return report;
    await this.#checkpoint?.remove();
    if (target !== undefined && this.#measurement !== undefined && start.before !== undefined) {
      const after = await countPoints(target, this.#measurement);
      if (after !== undefined) {
        report.united = Math.max(0, start.before + report.points - after);
      }
    }
    return report;
  }

  #reject(count: number, lines: readonly RejectedLine[]): void {
    this.report.rejectedRows += count;
    const room = MAX_REPORTED - this.report.rejected.length;
    this.report.rejected.push(...lines.slice(0, room));
  }
}

function lastOf({ measurement, times, series, tags }: TablePart): LastPoint | undefined {
  const row = times.length - 1;
  return row < 0 ? undefined : { measurement, time: String(times[row]), tags: tags[series[row]] };
}
