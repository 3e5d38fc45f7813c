/**
 * The class: points come in as line protocol or as objects, are kept as the durability says, and are
 * asked for in SQL.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import { show } from "../base/show.ts";
import { yieldToEventLoop } from "../base/yield.ts";
import type { Mapping } from "../engine/config.ts";
import type { EventKeeper } from "../engine/event_keeper.ts";
import { Directory } from "../journal/directory.ts";
import { SeriesSession } from "./ask.ts";
import type { Engine, EngineOptions, EngineStats } from "./engine/engine.ts";
import type { AggregateInfo, MaintenanceEvent } from "./engine/maintenance.ts";
import { EventPoints } from "./event_points.ts";
import { askRoutes } from "./http/ask.ts";
import { databaseRoutes } from "./http/databases.ts";
import type { SeriesRoute, SeriesRoutes } from "./http/routes.ts";
import { writeRoutes } from "./http/write.ts";
import { EngineError } from "./engine/errors.ts";
import { Keeper } from "./keeper.ts";
import { Maintainer } from "./maintainer.ts";
import { PointLog, type PointLogStats } from "./log/point_log.ts";
import { readSeriesOptions, type SeriesOptions } from "./options.ts";
import { encodePoint } from "./points/encode.ts";
import type { RejectedLine } from "./points/line_error.ts";
import type { LineSource } from "./points/line_reader.ts";
import { type Precision, UNIT_NS } from "./points/numbers.ts";
import type { Point } from "./points/point.ts";
import { type PointColumns, toBatch } from "./points/point_columns.ts";
import type { Question } from "./sql/question.ts";
import { readRows, type SqlRows } from "./sql/results/rows.ts";
import type { SqlParameter } from "./sql/session.ts";
import type { WriteOptions, WriteReport } from "./write_report.ts";

/** Lines that a report names; the others are only counted. */
const MAX_REPORTED = 1000;
/** What stopping may take unless told otherwise. */
const CLOSE_MS = 30_000;

/** Counters since `open`, and what is held right now. */
export interface SeriesStats {
  /** Points that were accepted. */
  written: number;
  /** Lines that were refused. */
  rejected: number;
  /** Points that the database has for good, of all times. */
  appliedPoints: number;
  /** Bytes of lines that wait for the database. */
  waitingBytes: number;
  /** Points in them. */
  waitingPoints: number;
  /** How often the database was opened again. */
  restarts: number;
  /** Measurements that there are. */
  measurements: number;
  /** Series that there are, in all measurements. */
  series: number;
  /** Counters of the engine that is there now. */
  engine: EngineStats;
  /** What the log did; undefined with the durability `none`. */
  log?: PointLogStats;
}

/**
 * Keeps points, and answers questions about them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Series } from "@traqq/traqq/series";
 *
 * await using series = await Series.open({ durability: "none" });
 * const report = await series.write("cpu,host=a usage=64.5 1609459200000000000\ncpu usage=");
 * assertEquals(report.written, 1);
 * assertEquals(report.rejected[0].line, 2);
 * ```
 */
export class Series implements AsyncDisposable, SeriesRoutes {
  readonly #keeper: Keeper;
  readonly #maintainer: Maintainer;
  readonly #lock: Deno.FsFile | undefined;
  readonly #logStats: () => PointLogStats | undefined;
  /** Asks in SQL, row by row; each statement sees what was written before it. */
  readonly session: SeriesSession;
  readonly #onError: (error: Error) => void;
  readonly #eventKeepers: EventPoints[] = [];
  #written = 0;
  #rejected = 0;
  #closed: Promise<void> | undefined;

  private constructor(
    keeper: Keeper,
    maintainer: Maintainer,
    lock: Deno.FsFile | undefined,
    logStats: () => PointLogStats | undefined,
    onError: (error: Error) => void,
  ) {
    this.#keeper = keeper;
    this.#maintainer = maintainer;
    this.session = new SeriesSession(keeper);
    this.#lock = lock;
    this.#logStats = logStats;
    this.#onError = onError;
  }

  /**
   * Opens the series, and brings to the database what an earlier process left in the log.
   *
   * @throws {ConfigError} if an option cannot be used, or the directory holds something else
   * @throws {StorageError} if another one has the directory, or it cannot be written
   */
  static async open(options: SeriesOptions = {}): Promise<Series> {
    const settings = readSeriesOptions(options);
    const { durability, syncIntervalMs, retainLogMs, memoryLimitBytes, threads } = settings;
    const onError = quiet(options.onError);
    const directory = settings.directory === undefined
      ? undefined
      : new Directory(settings.directory, "series");
    await directory?.ensure();
    const lock = await directory?.lock();
    try {
      const openEngine = options.openEngine ?? (await import("./engine/duckdb/mod.ts")).openDuckDb;
      const engineOptions: EngineOptions = {
        directory: directory?.path,
        memoryLimitBytes,
        threads,
        isTiered: settings.plan.coldAfterMs !== undefined,
      };
      let log: PointLog | undefined;
      const openLog = async (engine: Engine, path: string) => {
        const files = new Directory(path, "log");
        await files.ensure();
        const { id: database, position } = engine.state;
        if (durability === "none") throw new Error("BUG: a log without a durability");
        return log = await PointLog.open({
          ...{ directory: files, durability, syncIntervalMs, retainMs: retainLogMs },
          ...{ database, position, onError },
        });
      };
      const keeper = await Keeper.open({
        ...settings,
        openEngine: () => openEngine(engineOptions),
        openLog: directory && ((engine) => openLog(engine, directory.pathOf("log"))),
        onError,
      });
      const maintainer = new Maintainer({
        engine: () => keeper.engine,
        plan: settings.plan,
        aggregates: settings.aggregates,
        intervalMs: settings.maintenanceIntervalMs,
        onMaintenance: quiet(options.onMaintenance),
        onError,
      });
      return new Series(keeper, maintainer, lock, () => log?.stats(), onError);
    } catch (error) {
      lock?.close();
      if (!(error instanceof EngineError)) throw error;
      const code = error.code === "held" ? "held" : "refused";
      throw new StorageError(code, error.message, { cause: error });
    }
  }

  /**
   * Writes points. Each bad one is reported and the others are kept; resolves when they are as durable as
   * `durability` says. While the database is slower than what comes, it waits.
   *
   * @param what line protocol as text or bytes, which must not change meanwhile, or points
   * @throws {StorageError} (by rejecting) if it is closed, or the database is gone and does not come
   *   back now; then some of the points may be kept
   */
  async write(
    what: string | Uint8Array | Iterable<Point>,
    { precision = "ns" }: WriteOptions = {},
  ): Promise<WriteReport> {
    if (!Object.hasOwn(UNIT_NS, precision)) {
      throw new RangeError(
        `Cannot write points: precision is one of ${Object.keys(UNIT_NS).join(", ")}, received ${
          show(precision)
        }`,
      );
    }
    if (typeof what === "string") {
      return await this.#write(new TextEncoder().encode(what), precision);
    }
    if (what instanceof Uint8Array) return await this.#write(what, precision);
    return await this.#writePoints(what);
  }

  /**
   * Keeps recorded events as points, for the option `keeper` of `Traqq.open`: the measurement is the
   * event's name. Properties that the mapping counts, sums or ranks by are tags, those that it only counts
   * different values of (`bitmap`) are text, and all other numbers are floats. Each has the field
   * `event`, which is 1. Its time is the event's second, and nanoseconds that make it one of its own.
   *
   * @param mapping that of the traqq
   */
  keeper(mapping: Mapping): EventKeeper {
    const keeper = new EventPoints(this.#writeEvents, mapping, this.#onError);
    this.#eventKeepers.push(keeper);
    return keeper;
  }

  /**
   * Writes points of one measurement that are in columns already, such as those of a file: all of them or
   * none. They pass by the log; it resolves when the database has them, on the disk in every durability
   * but `none`. Other writes wait meanwhile.
   *
   * @throws {RangeError} (by rejecting) if they cannot be written: a field has another type, or a limit is
   *   reached
   * @throws {StorageError} if it is closed, or the database failed; then they are there or not, and can be
   *   written again, which changes nothing where they are
   */
  async load(columns: PointColumns): Promise<void> {
    if (columns.times.length === 0) return;
    await this.#keeper.load((catalog, limits) => toBatch(columns, catalog, limits));
    this.#written += columns.times.length;
  }

  /** What it answers over HTTP, for the option `series` of a handler. */
  routes(): readonly SeriesRoute[] {
    return [...writeRoutes(this), ...databaseRoutes(), ...askRoutes(this.session)];
  }

  /**
   * Answers a statement of SQL with all its rows; `docs/series.md` says what may be asked. For an answer
   * that is too large for the memory, or limits, or an end, see {@linkcode session}.
   *
   * @param parameters for `$1`, `$2` …
   * @throws {SqlError} it is refused, wrong, or too long
   * @throws {StorageError} if the database is gone and does not come back now
   */
  async sql(statement: string, parameters: readonly SqlParameter[] = []): Promise<SqlRows> {
    return await readRows(await this.session.run(statement, { parameters }));
  }

  /**
   * Answers a question in JSON, as RusTs has it.
   *
   * @throws {TypeError | RangeError} it is none, or asks for what is not there
   * @throws {SqlError} it is too long
   * @throws {StorageError} if the database is gone and does not come back now
   */
  async query(question: Question): Promise<SqlRows> {
    const { sql, parameters } = this.session.toSql(question);
    return await this.sql(sql, parameters);
  }

  /**
   * Resolves when the database has all that was written before: a question that is asked then sees it.
   *
   * @throws {StorageError} if the database is gone and does not come back now
   */
  flush(): Promise<void> {
    return handled(this.#keeper.settled());
  }

  /** Whether the database is there; if it died, it is opened again. */
  get isReady(): boolean {
    return this.#keeper.isReady;
  }

  /** Made at random with the database, and kept in it. */
  get id(): string {
    return this.#keeper.engine.state.id;
  }

  /**
   * Runs `CREATE CONTINUOUS AGGREGATE name AS SELECT …` or `DROP CONTINUOUS AGGREGATE name`; what a SELECT
   * may be says docs/series-storage.md. To create one that is there, with the same SELECT, does nothing.
   *
   * @throws {EngineError} `refused` if it cannot be
   * @throws {StorageError} if the database is gone and does not come back now
   */
  async command(statement: string): Promise<void> {
    await this.flush();
    await this.#maintainer.command(statement);
  }

  /** Continuous aggregates that there are. */
  async aggregates(): Promise<AggregateInfo[]> {
    return await this.#keeper.engine.aggregates?.() ?? [];
  }

  /**
   * Refreshes continuous aggregates, drops what is past its retention and moves old days to the cold tier,
   * as it is done by itself every `maintenanceIntervalMs`.
   *
   * @param nowMs the moment to which ages count back, unix milliseconds; default now
   * @returns what was done, and what could not be
   * @throws {StorageError} if the database is gone and does not come back now
   */
  async maintain(nowMs?: number): Promise<MaintenanceEvent[]> {
    await this.flush();
    return await this.#maintainer.run(nowMs);
  }

  /** Counters since `open`, and what is held right now. */
  stats(): SeriesStats {
    const { waitingBytes, acceptedPoints, appliedPoints, restarts } = this.#keeper.stats();
    const { size, seriesCount } = this.#keeper.catalog;
    return {
      written: this.#written,
      rejected: this.#rejected,
      appliedPoints,
      waitingBytes,
      waitingPoints: acceptedPoints - appliedPoints,
      restarts,
      measurements: size,
      series: seriesCount,
      engine: this.#keeper.engine.stats(),
      log: this.#logStats(),
    };
  }

  /**
   * Takes no more, brings what is there to the database, and lets go of the directory. Closing twice is
   * fine.
   *
   * @param timeoutMs what it may take; what is not in the database then is in the log
   * @throws {StorageError} if it takes longer
   */
  close(timeoutMs: number = CLOSE_MS): Promise<void> {
    this.#maintainer.close();
    return this.#closed ??= this.#close(timeoutMs);
  }

  async #close(timeoutMs: number): Promise<void> {
    try {
      await Promise.all(this.#eventKeepers.map((keeper) => keeper.close(timeoutMs)));
    } finally {
      await this.#keeper.close(timeoutMs).finally(() => this.#lock?.close());
    }
  }

  /** As {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Lines whose times are seconds, each a point of its own. */
  readonly #writeEvents = (lines: string): Promise<WriteReport> =>
    this.#write(new TextEncoder().encode(lines), "s", 0, Infinity);

  async #write(
    bytes: Uint8Array,
    precision: Precision,
    spread?: number,
    maxReported = MAX_REPORTED,
  ): Promise<WriteReport> {
    const report: WriteReport = { written: 0, rejectedLines: 0, rejected: [] };
    const source: LineSource = { bytes, precision, nowNs: 0n, spread, at: 0, line: 1 };
    const onRejected = (line: number, error: string) => {
      this.#rejected++;
      if (report.rejectedLines++ < maxReported) report.rejected.push({ line, error });
    };
    while (source.at < bytes.length) {
      const points = await this.#keeper.take(source, onRejected);
      report.written += points;
      this.#written += points;
      if (source.at < bytes.length) await yieldToEventLoop();
    }
    if (report.written > 0) await this.#keeper.accepted;
    return report;
  }

  async #writePoints(points: Iterable<Point>): Promise<WriteReport> {
    const rejected: RejectedLine[] = [];
    let text = "";
    let line = 1, place = 0;
    /** Which point begins at a line. */
    const places = new Map<number, number>();
    for (const point of points) {
      place++;
      try {
        const encoded = encodePoint(point);
        places.set(line, place);
        line += encoded.split("\n").length;
        text += `${encoded}\n`;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#rejected++;
        rejected.push({ line: place, error: error.message });
      }
    }
    const report = await this.#write(new TextEncoder().encode(text), "ns");
    const refused = report.rejected.map(({ line, error }) => ({ line: places.get(line)!, error }));
    return {
      written: report.written,
      rejectedLines: report.rejectedLines + rejected.length,
      rejected: [...rejected, ...refused].sort((a, b) => a.line - b.line).slice(0, MAX_REPORTED),
    };
  }
}

/** A report must not stop what it reports about. */
function quiet<T>(report: ((what: T) => void) | undefined): (what: T) => void {
  return (what) => {
    try {
      report?.(what);
    } catch {
      // Whoever is told must not throw.
    }
  };
}
