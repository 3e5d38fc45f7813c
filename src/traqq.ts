/**
 * The class that ties engine and storage together: what is recorded goes to a delta, a flush cuts the
 * delta and commits it, a query reads it back.
 *
 * @module
 */
import { ConfigError, EventError, messageOf, StorageError } from "./base/errors.ts";
import { handled } from "./base/promises.ts";
import { show } from "./base/show.ts";
import { yieldToEventLoop } from "./base/yield.ts";
import { Calendar } from "./engine/bucket.ts";
import { type Config, readConfig, type TraqqOptions } from "./engine/config.ts";
import {
  type Instant,
  metricFilter,
  type QueryDaysOptions,
  type QueryOptions,
  readInstant,
  readUnit,
} from "./engine/query.ts";
import { type Overview, readOverview } from "./engine/overview.ts";
import { QueryResult } from "./engine/result.ts";
import { readSeries } from "./engine/series.ts";
import type { EventLines } from "./journal/event_text.ts";
import { Journal, type JournalStats } from "./journal/journal.ts";
import type { Metric, PruneReport, Storage, Unit } from "./storage/storage.ts";
import { DeadlineStorage } from "./writer/deadline_storage.ts";
import { Flusher, type FlusherStats } from "./writer/flusher.ts";
import { Pruner } from "./writer/pruner.ts";
import { Snapshots } from "./writer/snapshots.ts";
import { Writer } from "./writer/writer.ts";

/** What {@linkcode Traqq.record} takes beside the event. */
export interface RecordOptions {
  /** The event's time; default that of the configured property, else now. */
  at?: Instant;
}

/** What {@linkcode Traqq.recordMany} takes beside the events. */
export interface RecordManyOptions {
  /** One time for all, or a function that gives each its own; `undefined` is as without it. */
  at?: Instant | ((event: unknown, index: number) => Instant | undefined);
  /**
   * The JSON that the events were read from, where the caller has it at hand: a journal keeps it as it
   * came instead of writing it anew.
   */
  lines?: EventLines;
}

/** What became of many events. */
export interface RecordReport {
  /** How many were counted. */
  recorded: number;
  /**
   * The others: their place in the input, from 0, and why. If the traqq was closed meanwhile, the last
   * one came too late, with a `StorageError` whose code is `closed`: those behind it were not read.
   */
  rejected: { index: number; error: Error }[];
}

/** Counters since `open`, and what is held right now. */
export interface TraqqStats extends FlusherStats {
  /** Events that were counted. */
  recorded: number;
  /** Events that were refused because of what they hold. */
  rejected: number;
  /** Events that were refused because their bucket is past its retention. */
  late: number;
  /** Events that were refused because of a time too far in the future. */
  future: number;
  /** Events that were refused because storage was slower and `record` was not awaited. */
  overloaded: number;
  /** What the journal did; undefined where there is none. */
  journal?: JournalStats;
}

type Observer = (event: unknown, seconds: number) => void;

/** Milliseconds after which recordMany lets others run. */
const YIELD_MS = 8;
/** What the journal gets to close, even where storage has taken all the time. */
const MIN_CLOSE_MS = 1000;
/** Events between two looks at the clock. */
const YIELD_EVENTS = 256;

/**
 * Records events and queries them back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MemoryStorage, Traqq } from "@traqq/traqq";
 *
 * await using storage = new MemoryStorage();
 * await using traqq = await Traqq.open({
 *   storage,
 *   mapping: { add: ["event", "event~geo"], bitmap: ["ip"] },
 * });
 * await traqq.record({ event: "purchase", geo: "US", ip: "1.2.3.4" });
 * await traqq.record({ event: "purchase", geo: "DE", ip: "1.2.3.4" });
 *
 * const week = await traqq.queryDays(7);
 * assertEquals({ ...week.merged("add/event~geo").counts }, { "purchase~US": 1, "purchase~DE": 1 });
 * assertEquals(week.merged("bmp/ip").count, 1);
 * ```
 */
export class Traqq implements AsyncDisposable {
  readonly #config: Config;
  readonly #storage: Storage;
  readonly #flusher: Flusher;
  readonly #journal: Journal | undefined;
  /** Only where the storage dies with its process and there is a journal. */
  readonly #snapshots: Snapshots | undefined;
  readonly #onError: (error: Error) => void;
  readonly #settled: Promise<void> = Promise.resolve();
  #calendar: Calendar;
  #timezoneClaimed: boolean;
  readonly #pruner: Pruner;
  #closed: Promise<void> | undefined;
  /** Told of each event that was counted; undefined where nobody listens. */
  #observers: Set<Observer> | undefined;
  readonly #counts = {
    recorded: 0,
    rejected: 0,
    late: 0,
    future: 0,
    overloaded: 0,
  };

  private constructor(
    config: Config,
    storage: Storage,
    calendar: Calendar,
    timezoneClaimed: boolean,
    writer: Writer,
    journal: Journal | undefined,
    snapshots: Snapshots | undefined,
    onError: (error: Error) => void,
  ) {
    this.#config = config;
    this.#storage = storage;
    this.#onError = onError;
    this.#journal = journal;
    this.#snapshots = snapshots;
    this.#calendar = calendar;
    this.#timezoneClaimed = timezoneClaimed;
    this.#pruner = new Pruner({
      retention: config.retention,
      prune: (unit, before) => this.#pruneExpired(unit, before),
      onError,
    });
    this.#flusher = new Flusher({
      storage,
      writer,
      config,
      calendar,
      journal,
      onError,
      beforeCommit: () => this.#claimTimezone(),
      afterFlush: async () => {
        this.#pruner.runIfDue();
        await this.#snapshots?.writeIfDue();
      },
    });
  }

  /**
   * Checks the options, looks at what the prefix holds, and brings to storage what earlier processes
   * left in the journal. The time zone of a new prefix is fixed now where a `mapping` or a `journal` is
   * given, else by the first event.
   *
   * @throws {ConfigError} if an option cannot be used, the prefix is kept in another time zone, or the
   *   journal is another's
   * @throws {StorageError} if the storage cannot be read, the journal cannot be written, or another
   *   instance holds the writer id or the journal; then nothing of the journal is lost
   * @throws {JournalError} if the snapshot beside the journal is damaged
   */
  static async open(options: TraqqOptions): Promise<Traqq> {
    const config = readConfig(options);
    const { onError } = options;
    if (typeof options.storage?.commit !== "function") {
      throw new ConfigError(
        `Cannot use storage: wanted a storage such as new MemoryStorage(), received ${
          show(options.storage)
        }`,
      );
    }
    if (onError !== undefined && typeof onError !== "function") {
      throw new ConfigError(`Cannot use onError: wanted a function, received ${show(onError)}`);
    }
    const report = (error: Error) => {
      try {
        handled(Promise.resolve(onError?.(error)));
      } catch {
        // A report must not stop what it reports about.
      }
    };
    const storage = new DeadlineStorage(options.storage, config.flush.deadlineMs);
    const records = options.mapping !== undefined || config.journal !== undefined;
    const journal = config.journal && await Journal.open(config.journal, {
      prefix: config.prefix,
      writer: config.writer,
      forgets: !storage.capabilities.survivesProcess,
      onError: report,
    });
    try {
      return await Traqq.#open(config, storage, records, journal, report);
    } catch (error) {
      await journal?.close(config.flush.deadlineMs).catch(report);
      throw error;
    }
  }

  static async #open(
    config: Config,
    storage: Storage,
    records: boolean,
    journal: Journal | undefined,
    report: (error: Error) => void,
  ): Promise<Traqq> {
    const snapshots = journal !== undefined && !storage.capabilities.survivesProcess
      ? new Snapshots(storage, journal, config.prefix, report)
      : undefined;
    await snapshots?.restore();
    const { timezone } = config.time;
    // Who is going to record fixes the zone before an event is acknowledged: cut in days of another
    // zone than the prefix turns out to have, it could not be stored.
    const stored = await storage.timezone(config.prefix) ??
      (records ? await storage.claimTimezone(config.prefix, timezone ?? "UTC") : null);
    if (stored !== null && timezone !== undefined && !Calendar.sameZone(stored, timezone)) {
      throw new ConfigError(otherZone(config.prefix, stored, timezone));
    }
    const calendar = new Calendar(stored ?? timezone ?? "UTC");
    let traqq: Traqq | undefined;
    const writer = await Writer.open(storage, config.prefix, config.writer, {
      error: report,
      behind: async () => {
        if (traqq !== undefined) await traqq.#claimAgain();
      },
      refused: ({ cell, error }) =>
        report(
          new StorageError(
            "refused",
            `Storage refuses a cell for good: ${error.message}`,
            { cause: { cell, error } },
          ),
        ),
    }, journal);
    try {
      traqq = new Traqq(
        config,
        storage,
        calendar,
        stored !== null,
        writer,
        journal,
        snapshots,
        report,
      );
      if (journal !== undefined) await traqq.#recover(journal, writer);
      traqq.#pruner.start();
      return traqq;
    } catch (error) {
      if (traqq !== undefined) traqq.#flusher.abandon();
      await writer.close().catch(report);
      throw error;
    }
  }

  /** The time zone of the buckets. */
  get timezone(): string {
    return this.#calendar.timezone;
  }

  /** What names this application's data within the storage. */
  get prefix(): string {
    return this.#config.prefix;
  }

  /**
   * Counts one event. The promise resolves when the event is as durable as `durability` says; while
   * storage is slower than the events it resolves later, so awaiting it bounds memory. Not awaiting it
   * is fine too.
   *
   * @throws {EventError} (by rejecting) if the event is refused: nothing of it was counted
   */
  record(event: unknown, options?: RecordOptions): Promise<void> {
    try {
      return this.#record(event, options?.at) ?? this.#settled;
    } catch (error) {
      this.#onError(error as Error);
      return handled(Promise.reject(error));
    }
  }

  /**
   * Counts many events, in order. A refused event is reported and the others are counted. It waits
   * for storage where that is slower.
   *
   * @param events an array, or anything that is iterable or async iterable
   * @throws {TypeError} (by rejecting) if it is not
   */
  async recordMany(
    events: Iterable<unknown> | AsyncIterable<unknown>,
    options?: RecordManyOptions,
  ): Promise<RecordReport> {
    refuseSingle(events);
    const at = options?.at;
    const report: RecordReport = { recorded: 0, rejected: [] };
    let confirmed: Promise<void> | undefined;
    let index = 0;
    const lines = options?.lines;
    let yieldedAtMs = performance.now();
    let isLate = false;
    const one = (event: unknown): void => {
      try {
        confirmed = this.#record(event, at, index, lines);
        report.recorded++;
      } catch (error) {
        // Closed in the middle: who sent them must know which were counted.
        isLate = report.recorded > 0 && error instanceof StorageError && error.code === "closed";
        if (!(isLate || error instanceof EventError)) throw error;
        report.rejected.push({ index, error: error as Error });
      } finally {
        index++;
      }
    };
    const breathe = async (): Promise<void> => {
      await this.#flusher.room();
      if (performance.now() - yieldedAtMs < YIELD_MS) return;
      await yieldToEventLoop();
      yieldedAtMs = performance.now();
    };
    const isBreathless = () => index % YIELD_EVENTS === 0 || this.#flusher.full;
    try {
      if (Symbol.iterator in events) {
        for (const event of events) {
          if (isBreathless()) await breathe();
          one(event);
          if (isLate) break;
        }
      } else {
        for await (const event of events) {
          if (isBreathless()) await breathe();
          one(event);
          if (isLate) break;
        }
      }
    } finally {
      if (lines !== undefined) this.#flusher.giveBack();
    }
    await confirmed;
    return report;
  }

  /**
   * Reads every bucket of a range, after a flush: what this instance recorded is in it.
   *
   * @throws {RangeError} if the range ends before it starts, or spans more than `limits.maxBuckets`
   *   buckets or `limits.maxResultCells` cells
   */
  async query(options: QueryOptions): Promise<QueryResult> {
    this.#refuseClosed();
    const unit = readUnit(options?.unit);
    const from = readInstant("from", options?.from);
    const to = readInstant("to", options?.to);
    const accepts = metricFilter(options);
    await this.flush();
    await this.#settleTimezone();
    return this.#read(unit, from, to, accepts);
  }

  /**
   * Reads the last `days` calendar days of the zone, today the last of them.
   *
   * @throws {RangeError} if `days` is not a whole number from 1
   */
  async queryDays(days: number, options: QueryDaysOptions = {}): Promise<QueryResult> {
    this.#refuseClosed();
    const unit = readUnit(options.unit);
    const accepts = metricFilter(options);
    await this.flush();
    await this.#settleTimezone();
    const { from, to } = this.#calendar.lastDays(days, Math.floor(Date.now() / 1000));
    return this.#read(unit, from, to, accepts);
  }

  /**
   * What the prefix holds at all: its metrics, and its first and last day. Reads no numbers.
   *
   * @throws {StorageError} if storage fails
   */
  async overview(): Promise<Overview> {
    this.#refuseClosed();
    await this.flush();
    await this.#settleTimezone();
    return readOverview(this.#storage, this.prefix, this.#calendar);
  }

  /**
   * Brings everything that was recorded before this call to storage.
   *
   * @throws {StorageError} if storage refuses or `flush.deadlineMs` passes; what was recorded is kept
   *   and tried again
   */
  flush(): Promise<void> {
    return handled(this.#flusher.flush());
  }

  /**
   * Removes the buckets, days and hours, that end at or before a point in time.
   *
   * @param options `dryRun`: only count
   */
  async prune(before: Instant, options: { dryRun?: boolean } = {}): Promise<PruneReport> {
    this.#refuseClosed();
    const seconds = readInstant("before", before);
    await this.flush();
    await this.#settleTimezone();
    const report = { buckets: 0, cells: 0 };
    for (const unit of ["d", "h"] as const) {
      const pruned = await this.#pruneUnit(unit, seconds, options.dryRun ?? false);
      report.buckets += pruned.buckets;
      report.cells += pruned.cells;
    }
    if (!options.dryRun && report.cells > 0) {
      this.#flusher.forgetFields();
      await this.#snapshot();
    }
    return report;
  }

  /** Whether it still takes events: `close` was not called. */
  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /**
   * Has a function called with each event right after it was counted, before it is as durable as
   * `durability` says: for showing what comes. The event is the caller's own object: keep a copy. What
   * the function throws goes to `onError`.
   *
   * @param observer gets the event, and the unix second at which it was counted
   * @returns a function that ends it
   */
  observe(observer: (event: unknown, seconds: number) => void): () => void {
    // One of its own, so that the same function may be given twice.
    const own: Observer = (event, seconds) => observer(event, seconds);
    this.#observers = (this.#observers ?? new Set()).add(own);
    return () => {
      this.#observers?.delete(own);
      if (this.#observers?.size === 0) this.#observers = undefined;
    };
  }

  /** Counters since `open`, and what is held right now. */
  stats(): TraqqStats {
    const stats = { ...this.#counts, ...this.#flusher.stats() };
    return this.#journal === undefined ? stats : { ...stats, journal: this.#journal.stats() };
  }

  /**
   * Flushes and gives up what this instance holds; the storage stays open. Closing twice is fine.
   *
   * @throws {StorageError} if what is pending could not be brought to storage within the deadline
   */
  close(): Promise<void> {
    return this.#closed ??= handled(this.#close());
  }

  /** As {@linkcode Traqq.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Counts an event; gives a promise only where there is something to wait for. */
  #record(
    event: unknown,
    at: RecordManyOptions["at"],
    index = 0,
    lines?: EventLines,
  ): Promise<void> | undefined {
    try {
      if (this.#closed !== undefined) this.#refuseClosed();
      const wait = this.#flusher.add(
        event,
        typeof at === "function" ? callAt(at, event, index) : at,
        lines,
        index,
      );
      this.#counts.recorded++;
      if (this.#observers !== undefined) {
        this.#tell(this.#observers, event, this.#flusher.lastSeconds);
      }
      return wait;
    } catch (error) {
      if (error instanceof EventError) {
        this.#counts[error.reason === "invalid" ? "rejected" : error.reason]++;
      }
      throw error;
    }
  }

  #tell(observers: Iterable<Observer>, event: unknown, seconds: number): void {
    for (const observer of observers) {
      try {
        observer(event, seconds);
      } catch (error) {
        // Whoever only looks on must not make an event that was counted look refused.
        this.#onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  /** Brings to storage what earlier processes have left in the journal, and counts the rest anew. */
  async #recover(journal: Journal, writer: Writer): Promise<void> {
    const covered = await writer.recover(journal);
    await this.#flusher.recover(journal.eventsAfter(covered));
    const { recovered, replayed } = this.#flusher.stats();
    this.#snapshots?.recovered(recovered, replayed);
  }

  /** What was pruned must not come back with the last snapshot. */
  async #snapshot(): Promise<void> {
    const snapshots = this.#snapshots;
    if (snapshots === undefined) return;
    snapshots.setDue();
    await this.#flusher.exclusively(() => snapshots.writeIfDue());
  }

  #refuseClosed(): void {
    if (this.#closed === undefined) return;
    throw new StorageError("closed", "Cannot use a traqq that was closed: open another one");
  }

  async #claimTimezone(): Promise<void> {
    if (this.#timezoneClaimed) return;
    const stands = await this.#storage.claimTimezone(this.prefix, this.timezone);
    if (!Calendar.sameZone(stands, this.timezone)) {
      throw new ConfigError(otherZone(this.prefix, stands, this.timezone));
    }
    this.#timezoneClaimed = true;
  }

  /** What storage lost may be more than chunks. */
  async #claimAgain(): Promise<void> {
    this.#timezoneClaimed = false;
    this.#flusher.forgetFields();
    await this.#claimTimezone();
  }

  /** Where no zone was set at `open`, another instance may have set one since. */
  async #settleTimezone(): Promise<void> {
    if (this.#timezoneClaimed) return;
    const stored = await this.#storage.timezone(this.prefix);
    if (stored === null || this.#timezoneClaimed) return;
    if (!Calendar.sameZone(stored, this.timezone)) {
      if (this.#config.time.timezone !== undefined || this.#flusher.pending) {
        throw new ConfigError(otherZone(this.prefix, stored, this.timezone));
      }
      this.#calendar = new Calendar(stored);
      this.#flusher.useCalendar(this.#calendar);
    }
    this.#timezoneClaimed = true;
  }

  async #read(
    unit: Unit,
    from: number,
    to: number,
    accepts: (metric: Metric) => boolean,
  ): Promise<QueryResult> {
    const { maxBuckets, maxResultCells } = this.#config.limits;
    const buckets = this.#calendar.buckets(unit, from, to, maxBuckets);
    const frame = { prefix: this.prefix, unit, calendar: this.#calendar, buckets };
    return new QueryResult(frame, await readSeries(this.#storage, frame, accepts, maxResultCells));
  }

  #pruneUnit(unit: Unit, seconds: number, dryRun: boolean): Promise<PruneReport> {
    const before = this.#calendar.bucketAt(unit, seconds).start;
    return this.#storage.prune({ prefix: this.prefix, unit, before, dryRun });
  }

  /** Without a time zone the prefix holds nothing, and what a day is may still change. */
  async #pruneExpired(unit: Unit, before: number): Promise<void> {
    await this.#settleTimezone();
    if (this.#timezoneClaimed) await this.#pruneUnit(unit, before, false);
  }

  async #close(): Promise<void> {
    const deadline = Date.now() + this.#config.flush.deadlineMs;
    try {
      await this.#flusher.close();
    } finally {
      await this.#pruner.close(deadline - Date.now());
      await this.#journal?.close(Math.max(deadline - Date.now(), MIN_CLOSE_MS));
    }
  }
}

/** The time that a caller's function gives; should it throw, the event is refused and no other. */
function callAt(
  at: (event: unknown, index: number) => Instant | undefined,
  event: unknown,
  index: number,
): Instant | undefined {
  try {
    return at(event, index);
  } catch (cause) {
    throw new EventError(
      `Cannot record an event: the function that gives its time threw: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function refuseSingle(events: unknown): void {
  const isList = typeof events === "object" && events !== null &&
    (Symbol.iterator in events || Symbol.asyncIterator in events);
  if (!isList) {
    throw new TypeError(
      `Cannot record many events: wanted an array or an (async) iterable, received ${show(events)}`,
    );
  }
}

function otherZone(prefix: string, stored: string, wanted: string): string {
  return `Cannot open prefix ${show(prefix)} in time zone ${wanted}: its buckets are those of ` +
    `${stored}; leave timezone out, or use another prefix`;
}
