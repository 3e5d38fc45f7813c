/**
 * The data that programs run over, as callers have it.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { EventReader, type EventShape, type ReadReport } from "./event_reader.ts";
import { isTdb, openTdb, readEvents } from "./files.ts";
import type { TrailSource } from "./source.ts";

/** The sources of data, for runs. */
export let sourcesOf: (data: TrailData) => readonly TrailSource[];

/** Trails that programs run over. */
export class TrailData {
  readonly #sources: readonly TrailSource[];
  /** What was read, and what was refused. Of `.tdb` files nothing is. */
  readonly report: ReadReport;

  /** Made by the functions that read data. */
  constructor(sources: readonly TrailSource[], report: ReadReport) {
    this.#sources = sources;
    this.report = report;
  }

  /** How many trails there are; a user of several files counts in each. */
  get trailCount(): number {
    return this.#sources.reduce((sum, { trailCount }) => sum + trailCount, 0);
  }

  /** How many events they have. */
  get eventCount(): number {
    return this.#sources.reduce((sum, { eventCount }) => sum + eventCount, 0);
  }

  /** The fields of the events. */
  get fields(): readonly string[] {
    return [...new Set(this.#sources.flatMap(({ fields }) => fields))];
  }

  /**
   * Events as trails: of each user, in order of time, of equal times as they come. Properties that are
   * strings, numbers or booleans are fields. An event without user or time is reported and left out.
   */
  static fromEvents(events: Iterable<unknown>, shape: EventShape): TrailData {
    const reader = new EventReader(shape);
    for (const event of events) reader.add(event);
    return new TrailData([reader.finish()], reader.report);
  }

  /**
   * Opens files: TrailDB (`.tdb` or a directory), Parquet (`.parquet`), CSV (`.csv`) and NDJSON (any
   * other name), the latter two gzipped or not. Of a user, events of all files are in one trail.
   * `shape` is for all but TrailDB, which has its users and times by itself.
   *
   * @throws {TrailsError} if a file cannot be read, or is damaged
   */
  static async open(paths: readonly string[], shape?: EventShape): Promise<TrailData> {
    const sources: TrailSource[] = [];
    const reports: ReadReport[] = [];
    for (const path of paths) {
      if (await isTdb(path)) {
        sources.push(await openTdb(path));
        continue;
      }
      if (shape === undefined) {
        throw new TrailsError(
          `Cannot read ${path}: which property is the user? Give by, such as { by: "user" }`,
        );
      }
      const reader = new EventReader(shape);
      await readEvents(path, reader);
      sources.push(reader.finish());
      reports.push(reader.report);
    }
    return new TrailData(sources, {
      events: sources.reduce((sum, { eventCount }) => sum + eventCount, 0),
      rejected: reports.flatMap(({ rejected }) => rejected),
      rejectedCount: reports.reduce((sum, { rejectedCount }) => sum + rejectedCount, 0),
    });
  }

  static {
    sourcesOf = (data) => data.#sources;
  }
}
