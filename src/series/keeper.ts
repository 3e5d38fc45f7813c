/**
 * Between those who write and the engine: reads lines, appends what was accepted to the log, and hands
 * what came together to the engine, a unit at a time.
 *
 * ```text
 * lines ─▶ read into columns ─▶ appended to the log ─▶ acknowledged, when the mode says so
 *                  └──────────────▶ a unit ─▶ the engine, which says how far it is for good ─▶ log is let go
 * ```
 * When the engine fails or dies, another one is opened, and all behind its position is read from the log
 * again: what is known of measurements and series begins anew from what the engine knows, so that it
 * agrees with it. Without a log all is lost then, and told.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { handledResolvers, withDeadline } from "../base/promises.ts";
import type { Engine } from "./engine/engine.ts";
import type { PointLog } from "./log/point_log.ts";
import type { Batch } from "./points/batch.ts";
import { Catalog } from "./points/catalog.ts";
import { type Limits, NO_LIMITS } from "./points/limits.ts";
import { LineReader, type LineSource, type OnRejected } from "./points/line_reader.ts";
import { replay } from "./replay.ts";

/** Bytes of lines that are read at a time; others get their turn between. */
const PART_BYTES = 1 << 20;
/** Bytes of lines that make a unit without waiting. */
const UNIT_BYTES = 16 << 20;
const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 5_000;

/** What a {@linkcode Keeper} works with. */
export interface KeeperOptions {
  readonly openEngine: () => Promise<Engine>;
  /** For the engine that was opened; undefined: points are kept in its memory only. */
  readonly openLog: ((engine: Engine) => Promise<PointLog>) | undefined;
  readonly limits: Limits;
  /** Milliseconds that points wait for others to go to the engine with. */
  readonly applyIntervalMs: number;
  /** Bytes of lines that wait for the engine before writers do. */
  readonly maxWaitingBytes: number;
  readonly onError: (error: Error) => void;
}

interface Waiter {
  readonly position: number;
  readonly resolvers: PromiseWithResolvers<void>;
}

/** See the top of this file. */
export class Keeper {
  readonly #options: KeeperOptions;
  #engine: Engine;
  readonly #log: PointLog | undefined;
  #reader: LineReader;
  /** Number of the last point that was accepted, and of the last one that the engine has for good. */
  #accepted: number;
  #applied: number;
  #nextNs = 0n;
  /** Bytes of the lines in the columns, and of those that the engine has in hand. */
  #columnBytes = 0;
  #unitBytes = 0;
  /** When the first point came into the columns that are empty otherwise. */
  #sinceMs = 0;
  #waiters: Waiter[] = [];
  #room = handledResolvers();
  /** Why another engine is needed. */
  #failure: { readonly error: unknown } | undefined;
  #restarts = 0;
  /** Columns go to the engine, and lines wait. */
  #isLoading = false;
  #work: Promise<void> | undefined;
  /** Ends the wait for others, and that before the next attempt to open an engine. */
  #endPause: (() => void) | undefined;
  #endBackoff: (() => void) | undefined;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  private constructor(
    options: KeeperOptions,
    engine: Engine,
    log: PointLog | undefined,
    reader: LineReader,
  ) {
    this.#options = options;
    this.#engine = engine;
    this.#log = log;
    this.#reader = reader;
    this.#accepted = this.#applied = Math.max(log?.last ?? 0, engine.state.position);
    this.#watch(engine);
  }

  /** Opens engine and log, and brings the engine to the end of the log. */
  static async open(options: KeeperOptions): Promise<Keeper> {
    const engine = await options.openEngine();
    let log: PointLog | undefined;
    try {
      log = await options.openLog?.(engine);
      const reader = await replayed(engine, log, options.onError);
      reader.limits = options.limits;
      return new Keeper(options, engine, log, reader);
    } catch (error) {
      await log?.close(1000).catch(() => {});
      await engine.close();
      throw error;
    }
  }

  /** The engine that is there now; another one may take its place. */
  get engine(): Engine {
    return this.#engine;
  }

  /** Whether the engine is there, and taken for good. */
  get isReady(): boolean {
    return this.#failure === undefined && !this.#isClosing;
  }

  /** What there is to write to. */
  get catalog(): Catalog {
    return this.#reader.catalog;
  }

  /** Counters, and what is held right now. */
  stats(): {
    waitingBytes: number;
    acceptedPoints: number;
    appliedPoints: number;
    restarts: number;
  } {
    return {
      waitingBytes: this.#columnBytes + this.#unitBytes,
      acceptedPoints: this.#accepted,
      appliedPoints: this.#applied,
      restarts: this.#restarts,
    };
  }

  /**
   * Reads a part of some lines, once there is room; gives how many points were accepted.
   * {@linkcode accepted} says when they are as durable as the mode says.
   *
   * @throws {StorageError} if it is closed, or the engine is gone and does not come back now
   */
  async take(source: LineSource, onRejected: OnRejected): Promise<number> {
    // From the last look on nothing else may run, or an engine that dies meanwhile would not see it.
    for (let wait = this.#obstacle(); wait !== undefined; wait = this.#obstacle()) await wait;
    const { at: from, bytes } = source;
    const receivedNs = this.#now();
    source.nowNs = receivedNs;
    const isEvents = source.spread !== undefined;
    if (isEvents) source.spread = this.#accepted + 1;
    const { points, refused } = this.#reader.read(source, PART_BYTES, onRejected);
    if (points === 0) return 0;
    this.#nextNs = source.nowNs;
    const mode = isEvents ? "event" : source.precision;
    const parts = keptParts(bytes, from, source.at, refused);
    this.#log?.append({ count: points, mode, receivedNs }, parts);
    if (this.#accepted === this.#applied) this.#sinceMs = performance.now();
    this.#accepted += points;
    this.#columnBytes += source.at - from;
    if (this.#columnBytes >= UNIT_BYTES) this.#endPause?.();
    this.#wake();
    return points;
  }

  /**
   * Brings a batch to the engine that stands in no log; resolves when the engine has it for good. Lines
   * wait meanwhile: they, too, number series and name columns.
   *
   * @param make gives the batch, with what is new in it added to the catalog; throws before it adds any
   * @throws {StorageError} if it is closed, or the engine is gone and does not come back now
   */
  async load(make: (catalog: Catalog, limits: Limits) => Batch): Promise<void> {
    for (let wait = this.#obstacle(); wait !== undefined; wait = this.#obstacle()) await wait;
    this.#isLoading = true;
    try {
      await this.settled();
      const batch = make(this.catalog, this.#options.limits);
      const position = this.#accepted + batch.rows;
      try {
        await this.#engine.apply({ position, batches: [batch] });
      } catch (error) {
        this.#failure ??= { error };
        this.#wake();
        throw new StorageError("unknown", this.#lossOf(messageOf(error)).message, { cause: error });
      }
      this.#passOver(position);
      // What it has kept of fields and series is older than the batch.
      this.#reader = new LineReader(this.catalog, this.#options.limits);
    } finally {
      this.#isLoading = false;
      this.#madeRoom();
    }
  }

  /** Resolves when all that was accepted so far is as durable as the mode says. */
  get accepted(): Promise<void> {
    return this.#log?.accepted ?? Promise.resolve();
  }

  /**
   * Resolves when the engine has all that was accepted so far.
   *
   * @throws {StorageError} if the engine is gone and does not come back now
   */
  async settled(): Promise<void> {
    if (this.#applied === this.#accepted && this.#failure === undefined) return;
    const resolvers = handledResolvers();
    this.#waiters.push({ position: this.#accepted, resolvers });
    this.#endPause?.();
    this.#wake();
    await resolvers.promise;
  }

  /**
   * Takes no more, brings what is there to the engine, and closes it and the log. Closing twice is fine.
   *
   * @throws {StorageError} if that takes longer than the time; what is not in the database is in the log
   */
  close(timeoutMs: number): Promise<void> {
    return this.#closed ??= this.#close(timeoutMs);
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.#madeRoom();
    const settled = withDeadline(this.settled(), timeoutMs, () =>
      new StorageError(
        "unavailable",
        `Cannot bring ${
          this.#accepted - this.#applied
        } points to the database within ${timeoutMs} ms` +
          (this.#log === undefined ? ": they are lost" : "; they are in the log"),
      ));
    const failures: unknown[] = [];
    const note = (error: unknown) => void failures.push(error);
    await settled.catch(note);
    this.#failure = undefined;
    this.#rejectWaiters(closedError());
    this.#endPause?.();
    this.#endBackoff?.();
    await this.#engine.close().catch(note);
    // What reads the log anew ends with it.
    await this.#log?.close(timeoutMs).catch(note);
    await this.#work;
    // It may have opened another one just then.
    await this.#engine.close().catch(note);
    if (failures.length > 0) throw failures[0];
  }

  /** Unix nanoseconds that no point without a time has yet. */
  #now(): bigint {
    const ns = BigInt(Date.now()) * 1_000_000n;
    return ns > this.#nextNs ? ns : this.#nextNs;
  }

  /** What a writer has to wait for first. @throws {StorageError} */
  #obstacle(): Promise<void> | undefined {
    if (this.#isClosing) throw closedError();
    const waitingBytes = this.#columnBytes + this.#unitBytes;
    const isBusy = this.#failure !== undefined || this.#isLoading;
    if (isBusy || waitingBytes >= this.#options.maxWaitingBytes) {
      return this.#room.promise;
    }
    return this.#log?.isFull ? this.#log.room : undefined;
  }

  /** The engine has points that stand in no log. */
  #passOver(position: number): void {
    if (position <= this.#accepted) return;
    this.#log?.passOver(position);
    this.#accepted = this.#applied = position;
  }

  #madeRoom(): void {
    this.#room.resolve();
    this.#room = handledResolvers();
  }

  #watch(engine: Engine): void {
    engine.died.then((error) => {
      if (engine !== this.#engine || this.#isClosing) return;
      this.#failure ??= { error };
      this.#endPause?.();
      this.#wake();
    });
  }

  #wake(): void {
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
      if (this.#hasWork()) this.#wake();
    });
  }

  #hasWork(): boolean {
    if (this.#isClosing && this.#waiters.length === 0) return false;
    return this.#failure !== undefined || this.#applied < this.#accepted;
  }

  /** Works until nothing is left to do. Never rejects. */
  async #run(): Promise<void> {
    while (this.#hasWork()) {
      if (this.#failure !== undefined) await this.#recover();
      else {
        await this.#pause(this.#sinceMs + this.#options.applyIntervalMs - performance.now());
        if (this.#failure !== undefined) continue;
        await this.#apply().catch((error) => {
          this.#failure ??= { error };
        });
      }
    }
  }

  /** Waits for others to come along, unless somebody waits or there are many already. */
  async #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#waiters.length > 0 || this.#columnBytes >= UNIT_BYTES) return;
    await sleep(ms, (end) => this.#endPause = end);
    this.#endPause = undefined;
  }

  async #apply(): Promise<void> {
    const position = this.#accepted;
    this.#unitBytes = this.#columnBytes;
    this.#columnBytes = 0;
    await this.#engine.apply({ position, batches: this.#reader.take() });
    // Those that came meanwhile have waited since.
    this.#sinceMs = performance.now();
    this.#isApplied(position);
  }

  #isApplied(position: number): void {
    this.#unitBytes = 0;
    this.#applied = position;
    this.#log?.release(position);
    for (const { resolvers } of this.#waiters.filter((waiter) => waiter.position <= position)) {
      resolvers.resolve();
    }
    this.#waiters = this.#waiters.filter((waiter) => waiter.position > position);
    this.#madeRoom();
  }

  #rejectWaiters(error: Error): void {
    for (const { resolvers } of this.#waiters) resolvers.reject(error);
    this.#waiters = [];
    // Those who write wait no longer than those who ask.
    this.#room.reject(error);
    this.#room = handledResolvers();
  }

  /** Opens another engine, and brings it to the end of the log; tries until it is done or closed. */
  async #recover(): Promise<void> {
    const { onError, openEngine, limits } = this.#options;
    onError(this.#lossOf(messageOf(this.#failure!.error)));
    /** Once, while it lasts. */
    let reported = "";
    for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)) {
      await this.#engine.close().catch(() => {});
      try {
        const engine = await openEngine();
        this.#engine = engine;
        this.#reader = await replayed(engine, this.#log, onError);
        this.#reader.limits = limits;
        this.#failure = undefined;
        this.#restarts++;
        this.#columnBytes = 0;
        // A batch of `load` was applied although the engine could not say so any more.
        this.#passOver(engine.state.position);
        this.#isApplied(this.#accepted);
        this.#watch(engine);
        return;
      } catch (error) {
        const unavailable = new StorageError(
          "unavailable",
          `Cannot open the database again: ${messageOf(error)}; it is tried until it succeeds`,
          { cause: error },
        );
        if (unavailable.message !== reported) onError(unavailable);
        reported = unavailable.message;
        this.#rejectWaiters(unavailable);
      }
      if (this.#isClosing) return;
      // Not ended by those who ask: they would have it tried without a pause.
      await sleep(backoffMs, (end) => this.#endBackoff = end);
      if (this.#isClosing) return;
    }
  }

  #lossOf(reason: string): StorageError {
    return this.#log !== undefined
      ? new StorageError(
        "unavailable",
        `The database of the series stopped: ${reason}; it is opened again, and what is missing in it ` +
          "comes from the log",
      )
      : new StorageError(
        "unavailable",
        `The database of the series stopped: ${reason}; it was in memory alone (none), and all its ` +
          `${this.#accepted} points are lost`,
      );
  }
}

/** Waits so long, or until the function is called that is given away. */
async function sleep(ms: number, giveEnd: (end: () => void) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  giveEnd(resolve);
  await promise;
  clearTimeout(timer);
}

/** Brings an engine to the end of the log; gives what reads lines from there on. */
async function replayed(
  engine: Engine,
  log: PointLog | undefined,
  onError: (error: Error) => void,
): Promise<LineReader> {
  const reader = new LineReader(new Catalog(engine.state.measurements), NO_LIMITS);
  if (log !== undefined) await replay(engine, log, reader, onError);
  return reader;
}

/** The parts of the lines that were accepted. */
function keptParts(
  bytes: Uint8Array,
  from: number,
  to: number,
  refused: readonly number[],
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = from;
  for (let i = 0; i < refused.length; i += 2) {
    if (refused[i] > start) parts.push(bytes.subarray(start, refused[i]));
    start = refused[i + 1];
  }
  if (to > start) parts.push(bytes.subarray(start, to));
  return parts;
}

function closedError(): StorageError {
  return new StorageError("closed", "Cannot use the series: they were closed; open them again");
}
