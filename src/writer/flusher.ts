/**
 * From delta to storage: holds the delta that events are added to, cuts it, and brings the cut to
 * storage by its {@linkcode Writer}. One flush at a time. What could not be committed stays, and is
 * tried again; the next delta fills up meanwhile, and whoever adds to a full one has to wait.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import { EventError, messageOf, StorageError } from "../base/errors.ts";
import type { HistogramStats } from "../base/histogram.ts";
import { handled, handledResolvers, withDeadline } from "../base/promises.ts";
import type { Calendar } from "../engine/bucket.ts";
import type { Config } from "../engine/config.ts";
import { type CellGroup, cellsOf } from "../engine/cut.ts";
import { Delta, type DeltaFrame } from "../engine/delta.ts";
import { FieldLimiter } from "../engine/fields.ts";
import { compilePlan, namesRead } from "../engine/plan.ts";
import type { Instant } from "../engine/query.ts";
import { type EventLines, keepEvent, readEventText } from "../journal/event_text.ts";
import type { Journal, JournalledEvent } from "../journal/journal.ts";
import type { BucketRange, Metric, Storage, Unit } from "../storage/storage.ts";
import type { Writer, WriterStats } from "./writer.ts";

/** What a flusher works with. */
export interface FlusherOptions {
  readonly storage: Storage;
  readonly writer: Writer;
  readonly config: Config;
  readonly calendar: Calendar;
  /** Keeps what is added until storage has it. */
  readonly journal: Journal | undefined;
  /** Told what went wrong in a flush that nobody waits for. */
  readonly onError: (error: Error) => void;
  /** Runs before a cut is handed over; if it rejects, the cut waits. */
  readonly beforeCommit: () => Promise<void>;
  /** Runs after each flush that reached storage; the next one waits for it. */
  readonly afterFlush: () => Promise<void>;
}

/** Counters, and what is held right now. */
export interface FlusherStats extends WriterStats {
  /** Values of `adv` metrics that were not numbers; their events are counted all the same. */
  rejectedValues: number;
  /** Fields that were counted as `~other`, once per flush. */
  overflowed: number;
  /** Events that storage has not confirmed yet. */
  pending: number;
  /** Cells that are held in memory for them, with what is remembered to find them. */
  pendingCells: number;
  /** Flushes that reached storage. */
  flushes: number;
  /** Flushes that failed; what they held stays pending. */
  failedFlushes: number;
  /** Times that a caller had to wait because memory was full. */
  slowed: number;
  /** Events of earlier processes that were read back from the journal. */
  recovered: number;
  /** How long storage took for commits that it confirmed. */
  commitTimes: HistogramStats;
}

/** A delta that is on its way to storage. */
interface Cut {
  readonly events: number;
  readonly cells: number;
  /** Number of the last event in the journal that it holds. */
  readonly covers: number;
  /** Emptied once they are in the writer's hands. */
  groups: CellGroup[];
  /** How many of them went through the limiter. */
  limited: number;
  taken: boolean;
  readonly done: PromiseWithResolvers<void>;
}

/** How many times a full delta is taken from callers who do not wait. */
const OVERLOAD = 4;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;

/** See the top of this file. */
export class Flusher {
  readonly #options: FlusherOptions;
  #limiter: FieldLimiter;
  #frame: DeltaFrame;
  #delta: Delta;
  /** Number of the last event in the journal that was added. */
  #lastEvent = 0;
  #lastSeconds = 0;
  /** Properties that are read of an event. */
  readonly #names: readonly string[];
  /** Resolves when the current delta is in storage. */
  #stored: PromiseWithResolvers<void> = handledResolvers();
  /** Resolves when the current delta has been cut, so that there is room again. */
  #room: PromiseWithResolvers<void> = handledResolvers();
  #cut: Cut | undefined;
  #flushing: Promise<void> | undefined;
  #nextFlush: Promise<void> | undefined;
  /** Takes the next flush off the clock; undefined while none is set. */
  #disarm: (() => void) | undefined;
  #lastWait: Record<"counted" | "kept" | "both", Promise<void>> | undefined;
  /** In a row. */
  #failures = 0;
  #closing = false;
  readonly #counts = {
    rejectedValues: 0,
    overflowed: 0,
    flushes: 0,
    failedFlushes: 0,
    slowed: 0,
    recovered: 0,
  };

  constructor(options: FlusherOptions) {
    const { config, calendar } = options;
    this.#options = options;
    this.#frame = {
      plan: compilePlan(config),
      calendar,
      limits: config.limits,
      hourly: config.time.hourly,
      timeProperty: config.time.property,
      retention: config.retention,
    };
    this.#names = namesRead(this.#frame.plan, config.time.property);
    this.#delta = new Delta(this.#frame);
    this.#limiter = this.#makeLimiter();
  }

  /** Whether there is anything that storage has not confirmed. */
  get pending(): boolean {
    return this.#delta.events > 0 || this.#cut !== undefined;
  }

  /** Whether so much is held that callers should wait for {@linkcode Flusher.room}. */
  get full(): boolean {
    return this.#isDeltaFull(1) || this.#options.journal?.isFull(1) === true ||
      this.#options.config.keeper?.isFull(1) === true;
  }

  /** The unix second of the event that was added last. */
  get lastSeconds(): number {
    return this.#lastSeconds;
  }

  /** Counters, and what is held right now. */
  stats(): FlusherStats {
    return {
      ...this.#counts,
      rejectedValues: this.#counts.rejectedValues + this.#delta.rejectedValues,
      pending: this.#delta.events + (this.#cut?.events ?? 0),
      pendingCells: this.#delta.held.cells + (this.#cut?.cells ?? 0),
      ...this.#options.writer.stats,
      commitTimes: this.#options.writer.commitTimes.stats(),
    };
  }

  /** Changes the buckets, while nothing is pending. */
  useCalendar(calendar: Calendar): void {
    this.#frame = { ...this.#frame, calendar };
    this.#delta = new Delta(this.#frame);
  }

  /** To be called when storage holds less than it did: fields that are gone make room for others. */
  forgetFields(): void {
    this.#limiter = this.#makeLimiter();
  }

  /**
   * Counts an event.
   *
   * @param lines the JSON it was read from, where that is at hand: the one at `index`
   * @returns what a caller should wait for: nothing, room, what the journal promises, or with
   *   `durability: "storage"` the commit
   * @throws {EventError} if the event is refused
   */
  add(
    event: unknown,
    at: Instant | undefined,
    lines?: EventLines,
    index = 0,
  ): Promise<void> | undefined {
    const { journal, config } = this.#options;
    const { keeper } = config;
    if (
      this.#isDeltaFull(OVERLOAD) || journal?.isFull(OVERLOAD) || keeper?.isFull(OVERLOAD)
    ) {
      throw new EventError(
        "Cannot record an event: storage is slower than the events and memory is full; await record()",
        { reason: "overloaded" },
      );
    }
    try {
      const seconds = journal === undefined
        ? this.#delta.add(event, at)
        : this.#addJournalled(journal, event, at, lines, index);
      this.#lastSeconds = seconds;
      keeper?.keep(event, seconds);
    } catch (error) {
      // The values of refused events are held too, and no flush lets go of a delta without an event.
      if (this.#isDeltaFull(1)) {
        if (this.#delta.events === 0) this.#delta = new Delta(this.#frame);
        else this.#makeRoom();
      }
      throw error;
    }
    if (this.#disarm === undefined) this.#arm();
    const isFull = this.full;
    if (isFull && this.#isDeltaFull(1)) this.#makeRoom();
    const counted = this.#countedAs(isFull);
    return keeper === undefined ? counted : this.#inBoth(counted, keeper.kept);
  }

  /** What stands until an event that was added is as durable as it is to be. */
  #countedAs(isFull: boolean): Promise<void> | undefined {
    if (this.#options.config.durability === "storage") return this.#stored.promise;
    const accepted = this.#options.journal?.accepted;
    return isFull ? this.#acceptedWithRoom(accepted) : accepted;
  }

  /** Most events that come together wait for the same. */
  #inBoth(counted: Promise<void> | undefined, kept: Promise<void>): Promise<void> {
    if (counted === undefined) return kept;
    const last = this.#lastWait;
    if (last?.counted === counted && last.kept === kept) return last.both;
    const both = handled(Promise.all([counted, kept]).then(() => {}));
    this.#lastWait = { counted, kept, both };
    return both;
  }

  /** Lets go of the bytes in which lines were added. */
  giveBack(): void {
    this.#options.journal?.giveBack();
  }

  /** Resolves once not too much is held. */
  async room(): Promise<void> {
    if (this.full) this.#counts.slowed++;
    await this.#makesRoom();
  }

  /**
   * Counts events of earlier processes, and brings them to storage where they are too many to hold.
   *
   * @throws {StorageError} if storage does not take them
   */
  async recover(events: AsyncIterable<JournalledEvent>): Promise<void> {
    for await (const { number, seconds, text } of events) {
      if (this.#isDeltaFull(1)) await this.flush();
      try {
        this.#delta.add(readEventText(text), undefined, seconds);
        this.#counts.recovered++;
      } catch (cause) {
        this.#options.onError(
          new EventError(
            `Cannot count event ${number} of the journal again, which was recorded before: ${
              messageOf(cause)
            }`,
            { cause },
          ),
        );
      }
      this.#lastEvent = number;
    }
    if (this.pending && this.#disarm === undefined) this.#arm();
  }

  /**
   * Brings everything that was added before to storage.
   *
   * @throws {StorageError} if storage refuses or the deadline passes
   */
  async flush(): Promise<void> {
    if (this.pending) await this.#within(this.#options.config.flush.deadlineMs, this.#startFlush());
  }

  /** Runs something that must not run beside a flush. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing.catch(() => {});
    this.#flushing = handled(
      work().finally(() => {
        this.#flushing = undefined;
      }),
    );
    await this.#flushing;
  }

  /** Tries no more: what is held stands in the journal. */
  abandon(): void {
    this.#closing = true;
    this.#disarm?.();
  }

  /**
   * Flushes, as often as it takes until the deadline, and closes the writer. Nothing may be added
   * afterwards.
   *
   * @throws {StorageError} if something is not confirmed
   */
  async close(): Promise<void> {
    this.#closing = true;
    const deadline = Date.now() + this.#options.config.flush.deadlineMs;
    try {
      while (this.pending) await this.#flushBefore(deadline);
    } catch (error) {
      const lost = new StorageError(
        "unknown",
        `Closed with ${this.stats().pending} events that ${
          this.#options.journal === undefined
            ? "are not confirmed"
            : "are not in storage yet, but in the journal, from where they get there when it is opened again"
        }: ${messageOf(error)}`,
        { cause: error },
      );
      this.#cut?.done.reject(lost);
      this.#stored.reject(lost);
      throw lost;
    } finally {
      this.#disarm?.();
      this.#room.resolve();
      // All that could be done is done: an id that is not given up is free soon by itself.
      await this.#within(deadline - Date.now(), this.#options.writer.close())
        .catch(this.#options.onError);
    }
  }

  #makeLimiter(): FieldLimiter {
    return new FieldLimiter(
      this.#options.config.limits.maxFields,
      (metric, unit, start) => this.#loadFields(metric, unit, start),
    );
  }

  #addJournalled(
    journal: Journal,
    event: unknown,
    at: Instant | undefined,
    lines: EventLines | undefined,
    index: number,
  ): number {
    let seconds: number;
    if (lines === undefined || index >= lines.ends.length) {
      const kept = keepEvent(event, this.#names);
      seconds = this.#delta.add(kept.event, at);
      journal.append(seconds, kept.text);
    } else {
      const { bytes, starts: { [index]: start }, ends: { [index]: end } } = lines;
      if (!(start >= 0 && start <= end && end <= bytes.length)) {
        throw new RangeError(
          `Cannot record event ${index} from ${start} to ${end} of ${bytes.length} bytes: there is no such line`,
        );
      }
      seconds = this.#delta.add(event, at);
      journal.appendLine(seconds, bytes, start, end);
    }
    this.#lastEvent = journal.lastEvent;
    return seconds;
  }

  async #acceptedWithRoom(accepted: Promise<void> | undefined): Promise<void> {
    this.#counts.slowed++;
    await Promise.all([accepted, this.#makesRoom()]);
  }

  async #makesRoom(): Promise<void> {
    while (this.full && !this.#closing) {
      const { journal, config: { keeper } } = this.#options;
      await (this.#isDeltaFull(1)
        ? this.#room.promise
        : keeper?.isFull(1)
        ? keeper.kept
        : journal?.room);
    }
  }

  #isDeltaFull(times: number): boolean {
    const { maxCells, maxBytes } = this.#options.config.flush;
    const { held } = this.#delta;
    return held.cells >= maxCells * times || held.bytes >= maxBytes * times;
  }

  #arm(): void {
    const start = () => {
      this.#disarm = undefined;
      this.#flushUnasked();
    };
    const delayMs = this.#delayMs();
    // A timer of 0 ms takes 1 to 2.
    if (delayMs === 0) {
      const immediate = setImmediate(start);
      this.#disarm = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(start, delayMs);
      this.#disarm = () => clearTimeout(timer);
    }
  }

  /** After a flush. A timer set meanwhile knows neither of a failure nor of callers who wait for room. */
  #armNext(): void {
    if (this.#failures > 0 || this.#isDeltaFull(1)) {
      this.#disarm?.();
      this.#disarm = undefined;
    }
    if (this.pending && this.#disarm === undefined) this.#arm();
  }

  #delayMs(): number {
    const { durability, flush: { intervalMs } } = this.#options.config;
    if (this.#failures > 0) return backoffMs(this.#failures);
    return durability === "storage" || this.#isDeltaFull(1) ? 0 : intervalMs;
  }

  /** While a flush runs or storage fails, the timer starts the next one. */
  #makeRoom(): void {
    if (this.#flushing === undefined && this.#failures === 0) this.#flushUnasked();
  }

  #flushUnasked(): void {
    this.#startFlush().catch((error) => this.#options.onError(error));
  }

  /** Whoever asks during a flush shares the next one, which sees what they added. */
  #startFlush(): Promise<void> {
    if (this.#flushing === undefined) {
      this.#flushing = handled(
        this.#runFlush().finally(() => {
          this.#flushing = undefined;
        }),
      );
      return this.#flushing;
    }
    return this.#nextFlush ??= handled(
      this.#flushing.catch(() => {}).then(() => {
        this.#nextFlush = undefined;
        return this.#startFlush();
      }),
    );
  }

  async #runFlush(): Promise<void> {
    this.#disarm?.();
    this.#disarm = undefined;
    try {
      await this.#finishCut();
      if (this.#delta.events > 0) {
        this.#cutDelta();
        await this.#finishCut();
      }
      this.#failures = 0;
      await this.#options.afterFlush();
    } catch (error) {
      this.#failures++;
      this.#counts.failedFlushes++;
      throw error;
    } finally {
      if (!this.#closing) this.#armNext();
    }
  }

  #cutDelta(): void {
    const delta = this.#delta;
    this.#cut = {
      events: delta.events,
      cells: delta.held.cells,
      covers: this.#lastEvent,
      groups: delta.groups(Date.now() / 1000),
      limited: 0,
      taken: false,
      done: this.#stored,
    };
    this.#counts.rejectedValues += delta.rejectedValues;
    this.#delta = new Delta(this.#frame);
    this.#stored = handledResolvers();
    this.#room.resolve();
    this.#room = handledResolvers();
  }

  /** Goes on where the last attempt at the current cut stopped. */
  async #finishCut(): Promise<void> {
    const cut = this.#cut;
    if (cut === undefined) return;
    const { writer } = this.#options;
    if (!cut.taken) {
      await this.#options.beforeCommit();
      for (; cut.limited < cut.groups.length; cut.limited++) {
        this.#counts.overflowed += await this.#limiter.limit(cut.groups[cut.limited]);
      }
      await writer.take(cut.groups.flatMap(cellsOf), cut.covers);
      cut.taken = true;
      cut.groups = [];
    }
    await writer.commit();
    this.#cut = undefined;
    this.#counts.flushes++;
    cut.done.resolve();
  }

  async #loadFields(metric: Metric, unit: Unit, start: number): Promise<Set<string>> {
    const { storage, config } = this.#options;
    const fields = new Set<string>();
    const range: BucketRange = { prefix: config.prefix, unit, from: start, to: start };
    for await (const cells of storage.read(metric, range)) {
      for (const cell of cells) if ("field" in cell) fields.add(cell.field);
    }
    return fields;
  }

  /** A flush that fails is tried again as long as there is time. */
  async #flushBefore(deadline: number): Promise<void> {
    try {
      await this.#within(deadline - Date.now(), this.#startFlush());
    } catch (error) {
      const waitMs = backoffMs(this.#failures);
      if (!isTransient(error) || Date.now() + waitMs >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  #within(leftMs: number, work: Promise<void>): Promise<void> {
    const { deadlineMs } = this.#options.config.flush;
    return withDeadline(work, leftMs, () =>
      new StorageError(
        "unavailable",
        `Storage did not confirm within flush.deadlineMs = ${deadlineMs} ms; what was recorded is kept`,
      ));
  }
}

/** Milliseconds to wait after so many failures in a row. */
function backoffMs(failures: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
}

function isTransient(error: unknown): boolean {
  return error instanceof StorageError &&
    (error.code === "unavailable" || error.code === "unknown");
}
