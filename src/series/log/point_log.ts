/**
 * The write-ahead log of points: what was accepted and is not in the database yet, for certain. Segments,
 * frames, syncs and what happens when the disk fails are those of the journal (`src/journal`).
 *
 * Points are numbered. The database says up to which number it has them, and a segment whose points it
 * has all goes, unless it is to be kept longer.
 *
 * @module
 */
import { ConfigError, JournalError, messageOf } from "../../base/errors.ts";
import { handledResolvers } from "../../base/promises.ts";
import type { Durability } from "../../engine/journal_options.ts";
import { Appender, type AppenderStats } from "../../journal/appender.ts";
import type { Directory } from "../../journal/directory.ts";
import { findFrames } from "../../journal/frame.ts";
import { segmentName } from "../../journal/names.ts";
import type { Segment } from "../../journal/opening.ts";
import { PastSegments } from "../../journal/past_segments.ts";
import { damageText, segmentsIn } from "../../journal/segments.ts";
import {
  LOG_VERSION,
  type LoggedPoints,
  logHeadRecord,
  type LogRecord,
  pointsRecordBytes,
  readLogRecord,
  writePointsRecord,
} from "./log_records.ts";

const SEGMENT_BYTES = 64 << 20;

/** What a log works with. */
export interface PointLogOptions {
  /** Made and locked by the caller. */
  readonly directory: Directory;
  readonly durability: Exclude<Durability, "none">;
  readonly syncIntervalMs: number;
  /** Milliseconds that segments stay after the database has them; null: for ever. */
  readonly retainMs: number | null;
  /** Whose log it is, see `EngineState.id`. */
  readonly database: string;
  /** Number of the last point that the database has. */
  readonly position: number;
  readonly onError: (error: Error) => void;
  /** For tests. */
  readonly maxSegmentBytes?: number;
}

/** Counters, and what is held right now. */
export interface PointLogStats extends AppenderStats {
  /** Segments that are there. */
  segments: number;
}

/** See the top of this file. */
export class PointLog {
  readonly #options: PointLogOptions;
  readonly #appender: Appender;
  readonly #past: PastSegments;
  /** Shared by all that was appended in the same turn. */
  #accepted: PromiseWithResolvers<void> | undefined;
  /** Number of the last point. */
  #last: number;
  #closed: Promise<void> | undefined;

  private constructor(options: PointLogOptions, found: Found) {
    const { directory, durability, syncIntervalMs, retainMs, onError, database } = options;
    this.#options = options;
    this.#last = Math.max(found.last, options.position);
    this.#past = new PastSegments({ ...found, foreign: new Set(), neededFrom: 0 }, {
      directory,
      settings: { replayMs: 0, retainMs },
      // The database has said so already.
      synced: () => Promise.resolve(),
      onError,
    });
    this.#appender = new Appender({
      directory,
      durability,
      syncIntervalMs,
      maxSegmentBytes: options.maxSegmentBytes ?? SEGMENT_BYTES,
      firstSegment: (found.segments.at(-1)?.number ?? 0) + 1,
      reach: { event: this.#last, cut: 0 },
      head: (segment) => logHeadRecord({ version: LOG_VERSION, database, segment }),
      beforeWrite: () => this.#seal(),
      afterSegment: () => this.#past.collect(this.#appender.reaches, this.#appender.segment),
      onError,
    });
  }

  /**
   * Looks at what is there, and begins a segment.
   *
   * @throws {ConfigError} if it is the log of another database, or of a newer traqq
   * @throws {StorageError} if it cannot be read or written
   */
  static async open(options: PointLogOptions): Promise<PointLog> {
    const log = new PointLog(options, await look(options));
    await log.#appender.start();
    log.release(options.position);
    return log;
  }

  /** Number of the last point that was appended, or that the database has. */
  get last(): number {
    return this.#last;
  }

  /** Whether as much is held as should be: callers should wait for {@linkcode room}. */
  get isFull(): boolean {
    return this.#appender.isFull();
  }

  /** Resolves when something was written or synced. */
  get room(): Promise<void> {
    return this.#appender.room;
  }

  /** Counters, and what is held right now. */
  stats(): PointLogStats {
    return { ...this.#appender.stats(), segments: this.#past.numbers.length + 1 };
  }

  /**
   * Appends points; they are on their way afterwards.
   *
   * @param points which they are; the first is the one behind {@linkcode last}
   * @param parts their lines
   */
  append(points: Omit<LoggedPoints, "first" | "lines">, parts: readonly Uint8Array[]): void {
    const first = this.#last + 1;
    const lineBytes = parts.reduce((sum, { length }) => sum + length, 0);
    const { room, at } = this.#appender.reserve(pointsRecordBytes(lineBytes));
    const end = writePointsRecord(room, at, { ...points, first }, parts);
    this.#last += points.count;
    this.#appender.put(end, { event: this.#last });
  }

  /** Notes that the database has points up to a number that were never appended. */
  passOver(position: number): void {
    this.#last = Math.max(this.#last, position);
  }

  /** Resolves when all that was appended so far is as durable as the mode says. */
  get accepted(): Promise<void> {
    if (this.#accepted === undefined) {
      this.#accepted = handledResolvers();
      this.#appender.wake();
    }
    return this.#accepted.promise;
  }

  /** What was appended behind a number, in order, each once. Meanwhile nothing should be appended. */
  async *after(position: number): AsyncGenerator<LoggedPoints> {
    const written = handledResolvers();
    this.#appender.wait("written", written);
    await written.promise;
    let last = position;
    for (const segment of [...this.#past.numbers, this.#appender.segment]) {
      // What is damaged was told when the log was opened.
      for await (const record of recordsOf(this.#options.directory, segment, () => {})) {
        if (record.kind === "head") continue;
        const { first, count } = record.points;
        // Written again after a failure, or in the database.
        if (first + count - 1 <= last) continue;
        if (first !== last + 1) this.#tellGap(last, first);
        last = first + count - 1;
        yield record.points;
      }
    }
  }

  /** Notes that the database has all points up to a number, for good. */
  release(position: number): void {
    if (this.#closed !== undefined) return;
    this.#past.release({ event: position, cut: 0 }, this.#appender.segment);
    this.#past.tidy();
  }

  /**
   * Writes and syncs what is left. Closing twice is fine.
   *
   * @throws {StorageError} if the disk does not take it within the time
   */
  close(timeoutMs: number): Promise<void> {
    return this.#closed ??= this.#close(timeoutMs);
  }

  async #close(timeoutMs: number): Promise<void> {
    try {
      this.#seal();
      await this.#appender.close(timeoutMs);
    } finally {
      this.#seal();
      await this.#past.close();
    }
  }

  #seal(): void {
    if (this.#accepted === undefined) return;
    const level = this.#options.durability === "every_write" ? "synced" : "written";
    this.#appender.wait(level, this.#accepted);
    this.#accepted = undefined;
  }

  #tellGap(last: number, first: number): void {
    const { path } = this.#options.directory;
    this.#options.onError(
      new JournalError(
        `The log in ${path} lacks ${
          first - last - 1
        } points behind number ${last}: the database is ` +
          "older than the log, or a file of the log is damaged or missing; all others are used",
        path,
      ),
    );
  }
}

/** What a directory held. */
interface Found {
  readonly segments: Segment[];
  readonly damaged: Set<number>;
  /** Number of the last point. */
  readonly last: number;
}

async function look({ directory, database, onError }: PointLogOptions): Promise<Found> {
  const segments: Segment[] = [];
  const damaged = new Set<number>();
  let last = 0;
  for (const number of segmentsIn(await directory.names())) {
    let reach = 0;
    const onDamage = (error: JournalError, isTorn: boolean) => {
      if (!isTorn) damaged.add(number);
      onError(error);
    };
    for await (const record of recordsOf(directory, number, onDamage)) {
      if (record.kind === "points") reach = record.points.first + record.points.count - 1;
      else if (record.head.database !== database) {
        throw new ConfigError(
          `Cannot open the log in ${directory.path}: it belongs to another database; put that one ` +
            "back, or move the files of the log elsewhere",
        );
      }
    }
    last = Math.max(last, reach);
    segments.push({ number, reach: { event: reach, cut: 0 }, doneAtMs: undefined });
  }
  return { segments, damaged, last };
}

/**
 * The records of a segment.
 *
 * @param onDamage told of each stretch that holds none
 * @throws {ConfigError} if a newer traqq has written it
 */
async function* recordsOf(
  directory: Directory,
  segment: number,
  onDamage: (error: JournalError, isTorn: boolean) => void,
): AsyncGenerator<LogRecord> {
  const name = segmentName(segment);
  const file = directory.pathOf(name);
  const bytes = await directory.read(name);
  for (const found of findFrames(bytes ?? new Uint8Array(0))) {
    const { offset } = found;
    if (found.kind === "damage") {
      const what = damageText(offset, found.bytes, found.isTorn);
      const error = new JournalError(`The log's segment ${file} ${what}`, file, offset);
      onDamage(error, found.isTorn);
      continue;
    }
    let record: LogRecord;
    try {
      record = readLogRecord(found.payload);
    } catch (cause) {
      const what = `has a record at byte ${offset} that cannot be read: ${messageOf(cause)}`;
      const text = `The log's segment ${file} ${what}; the file is kept, and the others are used`;
      onDamage(new JournalError(text, file, offset, { cause }), false);
      continue;
    }
    if (record.kind === "head" && record.head.version > LOG_VERSION) {
      throw new ConfigError(
        `Cannot open the log in ${directory.path}: it has format ${record.head.version}, and this ` +
          `traqq knows ${LOG_VERSION}; use a newer traqq`,
      );
    }
    yield record;
  }
}
