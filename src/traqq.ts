/**
 * The class that ties engine and storage together: what is recorded goes to a delta, a flush cuts the
 * delta and commits it, a query reads it back.
 *
 * @module
 */
import { ConfigError, EventError, messageOf, StorageError } from "./base/errors.ts";
import { show } from "./base/show.ts";
import { yieldToEventLoop } from "./base/yield.ts";
import { Calendar } from "./engine/bucket.ts";
import { cellsOf } from "./engine/cut.ts";
import { type Config, readConfig, type TraqqOptions } from "./engine/config.ts";
import { type CellGroup, Delta, type DeltaFrame } from "./engine/delta.ts";
import { FieldLimiter } from "./engine/fields.ts";
import { compilePlan } from "./engine/plan.ts";
import {
  type Filter,
  type Instant,
  metricFilter,
  type QueryDaysOptions,
  type QueryOptions,
  readUnit,
} from "./engine/query.ts";
import { QueryResult } from "./engine/result.ts";
import { readSeries } from "./engine/series.ts";
import { toUnixSeconds } from "./engine/time.ts";
import type { BucketRange, Metric, PruneReport, Storage, Unit } from "./storage/storage.ts";
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
}

/** What became of many events. */
export interface RecordReport {
  /** How many were counted. */
  recorded: number;
  /** The others: their place in the input, from 0, and why. */
  rejected: { index: number; error: Error }[];
}

/** Counters since `open`, and what is held right now. */
export interface TraqqStats {
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
  /** Values of `adv` metrics that were not numbers; their events are counted in `recorded`. */
  rejectedValues: number;
  /** Fields that were counted as `~other`, once per flush. */
  overflowed: number;
  /** Events that storage has not confirmed yet. */
  pending: number;
  /** Cells that are held in memory for them. */
  pendingCells: number;
  /** Flushes that reached storage. */
  flushes: number;
  /** Flushes that failed; what they held stays pending. */
  failedFlushes: number;
  /** Atomic commits that storage confirmed. */
  commits: number;
  /** Commits that storage had already: their first answer was lost. */
  skipped: number;
  /** Attempts at a commit that had to be repeated. */
  retries: number;
  /** Commits that were repeated because storage went back in time. */
  replayed: number;
  /** Cells that storage refused for good; each went to `onError`. */
  refusedCells: number;
}

/** A delta that is on its way to storage. */
interface Cut {
  readonly events: number;
  readonly cells: number;
  /** In storage's hands from the first time that all of them passed the limiter. */
  groups: CellGroup[];
  limited: number;
  taken: boolean;
  readonly done: PromiseWithResolvers<void>;
}

/** How much more than a full delta is taken from callers who do not wait. */
const OVERLOAD = 4;
/** Milliseconds after which recordMany lets others run. */
const YIELD_MS = 8;
/** Events between two looks at the clock. */
const YIELD_EVENTS = 256;
const MAX_BACKOFF_MS = 10_000;
/** How often expired buckets are looked for. */
const PRUNE_EVERY_MS = 3_600_000;

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
  readonly #writer: Writer;
  readonly #onError: (error: Error) => void;
  readonly #limiter: FieldLimiter;
  readonly #settled: Promise<void> = Promise.resolve();
  #calendar: Calendar;
  #timezoneClaimed: boolean;
  #frame: DeltaFrame;
  #delta: Delta;
  /** Resolves when the current delta is in storage. */
  #group: PromiseWithResolvers<void> = handledResolvers();
  /** Resolves when the current delta has been cut, so that there is room again. */
  #room: PromiseWithResolvers<void> = handledResolvers();
  #cut: Cut | undefined;
  #flushing: Promise<void> | undefined;
  #nextFlush: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #prunedAtMs = 0;
  #closed: Promise<void> | undefined;
  readonly #counts = {
    recorded: 0,
    rejected: 0,
    late: 0,
    future: 0,
    overloaded: 0,
    rejectedValues: 0,
    overflowed: 0,
    flushes: 0,
    failedFlushes: 0,
  };

  private constructor(
    config: Config,
    storage: Storage,
    stored: string | null,
    writer: Writer,
    onError: (error: Error) => void,
  ) {
    this.#config = config;
    this.#storage = storage;
    this.#writer = writer;
    this.#onError = onError;
    this.#calendar = new Calendar(stored ?? config.time.timezone ?? "UTC");
    this.#timezoneClaimed = stored !== null;
    this.#frame = {
      plan: compilePlan(config),
      calendar: this.#calendar,
      limits: config.limits,
      hourly: config.time.hourly,
      timeProperty: config.time.property,
      retention: config.retention,
    };
    this.#delta = new Delta(this.#frame);
    this.#limiter = new FieldLimiter(
      config.limits.maxFields,
      (metric, unit, start) => this.#loadFields(metric, unit, start),
    );
  }

  /**
   * Checks the options and looks at what the prefix holds. Nothing is written before the first event.
   *
   * @throws {ConfigError} if an option cannot be used, or the prefix is kept in another time zone
   * @throws {StorageError} if the storage cannot be read, or the writer id is held by another instance
   */
  static async open(options: TraqqOptions): Promise<Traqq> {
    const config = readConfig(options);
    const { storage, onError } = options;
    if (typeof storage?.commit !== "function") {
      throw new ConfigError(
        `Cannot use storage: wanted a storage such as new MemoryStorage(), received ${
          show(storage)
        }`,
      );
    }
    if (onError !== undefined && typeof onError !== "function") {
      throw new ConfigError(`Cannot use onError: wanted a function, received ${show(onError)}`);
    }
    const stored = await storage.timezone(config.prefix);
    const { timezone } = config.time;
    if (stored !== null && timezone !== undefined && !Calendar.sameZone(stored, timezone)) {
      throw new ConfigError(otherZone(config.prefix, stored, timezone));
    }
    const report = (error: Error) => {
      try {
        onError?.(error);
      } catch {
        // A report must not stop what it reports about.
      }
    };
    const writer = await Writer.open(storage, config.prefix, config.writer, {
      error: report,
      refused: ({ cell, error }) =>
        report(
          new StorageError(
            "refused",
            `Storage refuses a cell for good: ${error.message}`,
            { cause: { cell, error } },
          ),
        ),
    });
    return new Traqq(config, storage, stored, writer, report);
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
   * Counts many events, in order. A refused event is reported and the others are counted.
   *
   * @param events an array, or anything that is iterable or async iterable
   */
  async recordMany(
    events: Iterable<unknown> | AsyncIterable<unknown>,
    options?: RecordManyOptions,
  ): Promise<RecordReport> {
    const at = options?.at;
    const report: RecordReport = { recorded: 0, rejected: [] };
    let durable: Promise<void> | undefined;
    let index = 0;
    let yieldedAtMs = performance.now();
    const one = (event: unknown): Promise<void> | undefined => {
      try {
        const wait = this.#record(event, typeof at === "function" ? at(event, index) : at);
        report.recorded++;
        return wait;
      } catch (error) {
        if (!(error instanceof EventError)) throw error;
        report.rejected.push({ index, error });
      } finally {
        index++;
      }
    };
    const breathe = async (wait: Promise<void> | undefined) => {
      if (this.#config.durability === "storage") {
        durable = wait ?? durable;
        if (this.#isFull()) await this.#room.promise;
      } else if (wait !== undefined) {
        await wait;
      }
      if (performance.now() - yieldedAtMs > YIELD_MS) {
        await yieldToEventLoop();
        yieldedAtMs = performance.now();
      }
    };
    if (Symbol.iterator in events) {
      for (const event of events) {
        const wait = one(event);
        if (wait !== undefined || index % YIELD_EVENTS === 0) await breathe(wait);
      }
    } else {
      for await (const event of events) {
        const wait = one(event);
        if (wait !== undefined) await breathe(wait);
      }
    }
    await durable;
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
    const from = instant("from", options?.from);
    const to = instant("to", options?.to);
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
   * Brings everything that was recorded before this call to storage.
   *
   * @throws {StorageError} if storage refuses or `flush.deadlineMs` passes; what was recorded is kept
   *   and tried again
   */
  flush(): Promise<void> {
    if (!this.#isPending()) return this.#settled;
    return handled(this.#withDeadline(this.#startFlush()));
  }

  /**
   * Removes the buckets, days and hours, that end at or before a point in time.
   *
   * @param options `dryRun`: only count
   */
  async prune(before: Instant, options: { dryRun?: boolean } = {}): Promise<PruneReport> {
    this.#refuseClosed();
    const seconds = instant("before", before);
    await this.flush();
    await this.#settleTimezone();
    const report = { buckets: 0, cells: 0 };
    for (const unit of ["d", "h"] as const) {
      const pruned = await this.#pruneUnit(unit, seconds, options.dryRun ?? false);
      report.buckets += pruned.buckets;
      report.cells += pruned.cells;
    }
    return report;
  }

  /** Counters since `open`, and what is held right now. */
  stats(): TraqqStats {
    const cut = this.#cut;
    return {
      ...this.#counts,
      rejectedValues: this.#counts.rejectedValues + this.#delta.rejectedValues,
      pending: this.#delta.events + (cut?.events ?? 0),
      pendingCells: this.#delta.held.cells + (cut?.cells ?? 0),
      ...this.#writer.stats,
    };
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
  #record(event: unknown, at: Instant | undefined): Promise<void> | undefined {
    try {
      if (this.#closed !== undefined) this.#refuseClosed();
      if (this.#isFull(OVERLOAD)) refuseOverload();
      this.#delta.add(event, at);
    } catch (error) {
      if (error instanceof EventError) {
        this.#counts[error.reason === "invalid" ? "rejected" : error.reason]++;
      }
      throw error;
    }
    this.#counts.recorded++;
    if (this.#timer === undefined) this.#arm();
    if (this.#isFull()) {
      // While a flush runs or storage fails, the timer starts the next one.
      if (this.#flushing === undefined && this.#failures === 0) {
        this.#startFlush().catch((error) => this.#onError(error));
      }
      if (this.#config.durability === undefined) return this.#room.promise;
    }
    return this.#config.durability === "storage" ? this.#group.promise : undefined;
  }

  #isFull(times = 1): boolean {
    const { maxCells, maxBytes } = this.#config.flush;
    const { held } = this.#delta;
    return held.cells >= maxCells * times || held.bytes >= maxBytes * times;
  }

  #isPending(): boolean {
    return this.#delta.events > 0 || this.#cut !== undefined;
  }

  #refuseClosed(): void {
    if (this.#closed === undefined) return;
    throw new StorageError("closed", "Cannot use a traqq that was closed: open another one");
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#startFlush().catch((error) => this.#onError(error));
    }, this.#flushDelayMs());
  }

  #flushDelayMs(): number {
    const { durability, flush: { intervalMs } } = this.#config;
    if (this.#failures > 0) return backoffMs(this.#failures);
    return durability === "storage" || this.#isFull() ? 0 : intervalMs;
  }

  /** One flush at a time; whoever asks during one shares the next, which sees what they recorded. */
  #startFlush(): Promise<void> {
    if (this.#flushing === undefined) {
      const flush = this.#runFlush().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing = handled(flush);
    }
    return this.#nextFlush ??= handled(
      this.#flushing.catch(() => {}).then(() => {
        this.#nextFlush = undefined;
        return this.#startFlush();
      }),
    );
  }

  async #runFlush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#finishCut();
      if (this.#delta.events > 0) {
        this.#cutDelta();
        await this.#finishCut();
      }
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#counts.failedFlushes++;
      throw error;
    } finally {
      if (this.#isPending() && this.#timer === undefined && this.#closed === undefined) this.#arm();
    }
    await this.#pruneExpired();
  }

  #cutDelta(): void {
    const delta = this.#delta;
    this.#cut = {
      events: delta.events,
      cells: delta.held.cells,
      groups: delta.groups(Date.now() / 1000),
      limited: 0,
      taken: false,
      done: this.#group,
    };
    this.#counts.rejectedValues += delta.rejectedValues;
    this.#delta = new Delta(this.#frame);
    this.#group = handledResolvers();
    this.#room.resolve();
    this.#room = handledResolvers();
  }

  /** Goes on where the last attempt at the current cut stopped. */
  async #finishCut(): Promise<void> {
    const cut = this.#cut;
    if (cut === undefined) return;
    if (!cut.taken) {
      await this.#claimTimezone();
      for (; cut.limited < cut.groups.length; cut.limited++) {
        this.#counts.overflowed += await this.#limiter.limit(cut.groups[cut.limited]);
      }
      await this.#writer.take(cut.groups.flatMap(cellsOf));
      cut.taken = true;
      cut.groups = [];
    }
    await this.#writer.commit();
    this.#cut = undefined;
    this.#counts.flushes++;
    cut.done.resolve();
  }

  async #claimTimezone(): Promise<void> {
    if (this.#timezoneClaimed) return;
    const stands = await this.#storage.claimTimezone(this.prefix, this.timezone);
    if (!Calendar.sameZone(stands, this.timezone)) {
      throw new ConfigError(otherZone(this.prefix, stands, this.timezone));
    }
    this.#timezoneClaimed = true;
  }

  /** Where no zone was set at `open`, another instance may have set one since. */
  async #settleTimezone(): Promise<void> {
    if (this.#timezoneClaimed) return;
    const stored = await this.#storage.timezone(this.prefix);
    if (stored === null || this.#timezoneClaimed) return;
    if (!Calendar.sameZone(stored, this.timezone)) {
      if (this.#config.time.timezone !== undefined || this.#isPending()) {
        throw new ConfigError(otherZone(this.prefix, stored, this.timezone));
      }
      this.#calendar = new Calendar(stored);
      this.#frame = { ...this.#frame, calendar: this.#calendar };
      this.#delta = new Delta(this.#frame);
    }
    this.#timezoneClaimed = true;
  }

  async #loadFields(metric: Metric, unit: Unit, start: number): Promise<Set<string>> {
    const fields = new Set<string>();
    const range: BucketRange = { prefix: this.prefix, unit, from: start, to: start };
    for await (const cells of this.#storage.read(metric, range)) {
      for (const cell of cells) if ("field" in cell) fields.add(cell.field);
    }
    return fields;
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

  async #pruneExpired(): Promise<void> {
    const now = Date.now();
    if (now - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = now;
    for (const unit of ["d", "h"] as const) {
      const kept = this.#config.retention[unit];
      if (kept === undefined) continue;
      try {
        await this.#pruneUnit(unit, Math.floor(now / 1000 - kept), false);
      } catch (error) {
        this.#onError(error as Error);
      }
    }
  }

  async #close(): Promise<void> {
    const deadline = Date.now() + this.#config.flush.deadlineMs;
    try {
      while (this.#isPending()) await this.#flushBefore(deadline);
    } catch (error) {
      const lost = new StorageError(
        "unknown",
        `Closed with ${this.stats().pending} events that are not confirmed: ${messageOf(error)}`,
        { cause: error },
      );
      this.#cut?.done.reject(lost);
      this.#group.reject(lost);
      throw lost;
    } finally {
      clearTimeout(this.#timer);
      await this.#writer.close();
    }
  }

  /** A flush that fails is tried again as long as there is time. */
  async #flushBefore(deadline: number): Promise<void> {
    try {
      await this.#withDeadline(this.#startFlush(), deadline - Date.now());
    } catch (error) {
      const waitMs = backoffMs(this.#failures);
      if (!isTransient(error) || Date.now() + waitMs >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #withDeadline(
    work: Promise<void>,
    leftMs: number = this.#config.flush.deadlineMs,
  ): Promise<void> {
    const { deadlineMs } = this.#config.flush;
    const late = handledResolvers();
    const timer = setTimeout(() =>
      late.reject(
        new StorageError(
          "unavailable",
          `Storage did not confirm within flush.deadlineMs = ${deadlineMs} ms; what was recorded is kept`,
        ),
      ), Math.max(leftMs, 1));
    try {
      await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function instant(where: string, value: unknown): number {
  try {
    return toUnixSeconds(value, where);
  } catch (error) {
    throw new TypeError(messageOf(error), { cause: error });
  }
}

function otherZone(prefix: string, stored: string, wanted: string): string {
  return `Cannot open prefix ${show(prefix)} in time zone ${wanted}: its buckets are those of ` +
    `${stored}; leave timezone out, or use another prefix`;
}

function refuseOverload(): never {
  throw new EventError(
    "Cannot record an event: storage is slower than the events and memory is full; await record()",
    { reason: "overloaded" },
  );
}

/** Milliseconds to wait after so many failures in a row. */
function backoffMs(failures: number): number {
  return Math.min(50 * 2 ** failures, MAX_BACKOFF_MS);
}

function isTransient(error: unknown): boolean {
  return error instanceof StorageError &&
    (error.code === "unavailable" || error.code === "unknown");
}

/** A promise whose rejection nobody has to await. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function handledResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  handled(resolvers.promise);
  return resolvers;
}
