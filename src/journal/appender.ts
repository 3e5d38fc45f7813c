/**
 * Appends records to segment files. Callers put records into memory; what came together is written
 * together, on the event loop, and synced beside it when the mode says so.
 *
 * ```text
 * put ──────▶ in memory ──────▶ written, not synced ──────▶ synced: forgotten
 *                 ▲                      │
 *                 └── a write or a sync fails: the segment is closed, and all that is not synced
 *                     goes into a new one; then the old one is cut at its last good byte
 * ```
 * Until the new one has it, the old one keeps what it holds: with a full disk and a killed process, that
 * is all there is. A reader takes nothing twice, because events and cuts are numbered.
 *
 * What was handed over is never dropped: a disk that is full is tried again, for as long as it takes,
 * and meanwhile {@linkcode Appender.isFull} tells callers to wait.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { handledResolvers } from "../base/promises.ts";
import { yieldToEventLoop } from "../base/yield.ts";
import type { Durability } from "../engine/journal_options.ts";
import type { Directory } from "./directory.ts";
import { BLOCK_BYTES, LogBuffer, type Reach, type Stretch } from "./log_buffer.ts";
import { segmentName } from "./names.ts";
import type { Room } from "./records.ts";
import { SegmentFiles } from "./segment_files.ts";

/** Bytes that are not synced before a sync starts without being asked. */
const SYNC_BYTES = 4 << 20;
/** Bytes that are not written, and that are written and not synced, before callers should wait. */
const MAX_UNWRITTEN_BYTES = 8 << 20;
const MAX_UNSYNCED_BYTES = 64 << 20;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** How often the same failure is reported while it lasts. */
const REPORT_MS = 60_000;

/** What an appender works with. */
export interface AppenderOptions {
  readonly directory: Directory;
  readonly durability: Durability;
  readonly syncIntervalMs: number;
  /** A segment that would grow beyond this is followed by another. */
  readonly maxSegmentBytes: number;
  /** Number of the first segment that is made. */
  readonly firstSegment: number;
  /** How far the log reaches that is in earlier segments. */
  readonly reach: Reach;
  /** The record that a new segment begins with; `reach` is what earlier ones hold for certain. */
  readonly head: (segment: number, reach: Reach) => Uint8Array;
  /** Runs before each write: the last chance to put something in. */
  readonly beforeWrite: () => void;
  /** Runs after each segment that is finished, whatever its end. */
  readonly afterSegment: () => void;
  readonly onError: (error: Error) => void;
}

/** Counters, and what is held right now. */
export interface AppenderStats {
  /** Bytes that were written to segments. */
  bytes: number;
  /** Syncs that succeeded. */
  syncs: number;
  /** Writes and syncs that failed. */
  failures: number;
  /** Bytes that are held because they are not on the disk for certain. */
  heldBytes: number;
}

/** What has to be done before somebody who waits goes on. */
export type Level = "written" | "synced";

interface Waiter {
  /** The log up to here is meant. */
  readonly position: number;
  readonly resolvers: PromiseWithResolvers<void>;
}

/** See the top of this file. Positions are bytes of the log since it was opened, heads not counted. */
export class Appender {
  /** How far each segment of this process reaches, at most. */
  readonly reaches: Map<number, Reach> = new Map();
  readonly #options: AppenderOptions;
  readonly #syncs: boolean;
  /** What is not synced. */
  readonly #log: LogBuffer;
  #writtenTo = 0;
  #syncedTo = 0;
  #writtenReach: Reach;
  #syncedReach: Reach;
  readonly #waiters: Record<Level, Waiter[]> = { written: [], synced: [] };
  /** They hold all that is written and not synced, or there is none. */
  readonly #files: SegmentFiles;
  #busy = false;
  #running: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why the files in hand must be given up. */
  #broken: { readonly error: unknown } | undefined;
  /** In a row. */
  #failures = 0;
  #reported = { text: "", atMs: 0 };
  #room: PromiseWithResolvers<void> = handledResolvers();
  /** Waiting for a disk is pointless. */
  #aborted = false;
  /** Ends the wait before the next attempt. */
  #endPause: (() => void) | undefined;
  #closed = false;
  readonly #counts = { bytes: 0, syncs: 0, failures: 0 };

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#syncs = options.durability !== "none";
    this.#files = new SegmentFiles(options);
    this.#log = new LogBuffer(options.reach);
    this.#writtenReach = this.#syncedReach = options.reach;
  }

  /** Number of the segment that is being written, or of the one that comes next. */
  get segment(): number {
    return this.#files.number;
  }

  /** Whether `times` times as much is held as should be: callers should wait for {@linkcode room}. */
  isFull(times = 1): boolean {
    return this.#log.end - this.#writtenTo >= MAX_UNWRITTEN_BYTES * times ||
      this.#writtenTo - this.#syncedTo >= MAX_UNSYNCED_BYTES * times;
  }

  /** Resolves when something was written or synced. */
  get room(): Promise<void> {
    return this.#room.promise;
  }

  /** Counters, and what is held right now. */
  stats(): AppenderStats {
    return { ...this.#counts, heldBytes: this.#log.end - this.#syncedTo };
  }

  /** Makes the first segment, so that its head is on the disk. @throws {StorageError} */
  async start(): Promise<void> {
    try {
      await this.#begin();
      await this.#files.sync();
    } catch (cause) {
      const { directory } = this.#options;
      if (this.#files.isWriting) {
        this.#files.close();
        await directory.remove(segmentName(this.#files.number)).catch(() => {});
      }
      throw new StorageError(
        "refused",
        `Cannot write the ${directory.what} in ${directory.path}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** See {@linkcode LogBuffer.reserve}. */
  reserve(bytes: number): { room: Room; at: number } {
    return this.#log.reserve(bytes);
  }

  /** Ends a record that was put into reserved room. */
  put(end: number, reach: Partial<Reach>): void {
    this.#log.put(end, reach);
    this.wake();
  }

  /** Appends a record. */
  append(record: Uint8Array, reach: Partial<Reach>): void {
    const { room, at } = this.reserve(record.length);
    room.bytes.set(record, at);
    this.put(at + record.length, reach);
  }

  /**
   * Resolves `resolvers` once all that was put so far is written, or synced: that begins at once, and
   * with `none` written is enough.
   */
  wait(level: Level, resolvers: PromiseWithResolvers<void>): void {
    if (this.#closed) return resolvers.reject(this.#closedError());
    this.#waiters[this.#syncs ? level : "written"].push({ position: this.#log.end, resolvers });
    this.wake();
  }

  /**
   * Writes and syncs what is left, and closes the file. Resolves, or rejects, when the disk is at rest:
   * never, if it does not answer.
   *
   * @throws {StorageError} if the disk does not take it within the time
   */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort(), Math.max(timeoutMs, 1));
    try {
      const resolvers = handledResolvers();
      this.wait("synced", resolvers);
      await resolvers.promise;
      // Without syncs this is the only one: whoever closes has the time.
      if (!this.#syncs) await this.#files.sync();
    } finally {
      clearTimeout(timer);
      this.#abort();
      await this.#running;
      clearTimeout(this.#syncTimer);
      await this.#syncing?.catch(() => {});
      this.#files.close();
    }
  }

  /** Has {@linkcode AppenderOptions.beforeWrite} called soon, and writes what there is. */
  wake(): void {
    if (this.#closed || this.#busy) return;
    this.#busy = true;
    // Not at once: what is put in this turn goes together.
    this.#running = Promise.resolve().then(() => this.#run());
  }

  /** Writes until nothing is left to do. Never rejects. */
  async #run(): Promise<void> {
    for (;;) {
      this.#options.beforeWrite();
      if (!this.#hasWork()) break;
      try {
        // What comes in the same turn goes along: a write has its price, however little it carries.
        if (this.#log.end - this.#writtenTo < BLOCK_BYTES) {
          await yieldToEventLoop();
          this.#options.beforeWrite();
        }
        await this.#step();
      } catch (error) {
        await this.#abandon(error);
        if (!await this.#pause()) break;
      }
      if (this.#aborted) break;
    }
    this.#busy = false;
  }

  #hasWork(): boolean {
    return this.#broken !== undefined || this.#writtenTo < this.#log.end ||
      // What was written to a segment that was given up.
      (!this.#files.isWriting && this.#syncedTo < this.#writtenTo) ||
      this.#waiters.written.length > 0 ||
      // A sync that is under way wakes this up again.
      (this.#waiters.synced.length > 0 && this.#syncing === undefined);
  }

  /** Writes a block, or what is new in it, and begins a sync if somebody waits for one. */
  async #step(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.error;
    const stretch = this.#log.after(this.#writtenTo);
    if (stretch !== undefined) {
      await this.#write(stretch);
    } else if (!this.#files.isWriting && this.#syncedTo < this.#writtenTo) {
      await this.#begin();
      this.#syncLater();
    }
    this.#resolve("written", this.#writtenTo);
    // Nothing came since it was synced.
    if (this.#syncs) this.#resolve("synced", this.#syncedTo);
    if (this.#waitsForSync()) {
      if (!this.#files.isWriting) await this.#begin();
      this.#syncBeside();
    }
  }

  #waitsForSync(): boolean {
    return this.#waiters.synced.some(({ position }) => position <= this.#writtenTo);
  }

  async #write({ bytes, end, reach }: Stretch): Promise<void> {
    if (!this.#files.takes(bytes.length)) await this.#beginNext();
    this.#reachSegment();
    await this.#files.write(bytes);
    this.#counts.bytes += bytes.length;
    this.#writtenTo = end;
    this.#writtenReach = reach;
    if (this.#syncs) {
      this.#syncLater();
    } else {
      this.#failures = 0;
      this.#files.trust();
      this.#forget(end, reach);
    }
    this.#madeRoom();
  }

  /** A segment that is full is synced while the next one is written. */
  async #beginNext(): Promise<void> {
    if (this.#files.isWriting) {
      this.#files.end(!this.#syncs);
      if (this.#syncs) this.#syncBeside();
      this.#options.afterSegment();
    }
    await this.#begin();
  }

  /** Begins a segment with its head and with what was written, is not synced, and stands in no file. */
  async #begin(): Promise<void> {
    this.#reachSegment();
    const head = this.#options.head(this.#files.number, this.#syncedReach);
    const from = this.#files.isHolding ? this.#writtenTo : this.#syncedTo;
    this.#counts.bytes += await this.#files.begin(head, this.#log.between(from, this.#writtenTo));
  }

  /** Notes how far the segment may reach: what was put meanwhile may be in the next one, no matter. */
  #reachSegment(): void {
    this.reaches.set(this.#files.number, this.#log.reach);
  }

  /** After one that failed nobody knows what stands: the file is given up before anybody tries again. */
  #sync(): Promise<void> {
    return this.#syncing ??= this.#runSync().catch((error) => {
      this.#broken ??= { error };
      throw error;
    }).finally(() => {
      this.#syncing = undefined;
    });
  }

  async #runSync(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const position = this.#writtenTo;
    const reach = this.#writtenReach;
    await this.#files.sync();
    // Not after each write: where only syncs fail, a segment would follow the other without a pause.
    this.#failures = 0;
    this.#counts.syncs++;
    this.#forget(position, reach);
    this.#resolve("synced", position);
    this.#madeRoom();
  }

  #syncLater(): void {
    if (this.#writtenTo - this.#syncedTo >= SYNC_BYTES) this.#syncBeside();
    else if (this.#options.durability === "periodic") {
      this.#syncTimer ??= setTimeout(() => {
        this.#syncTimer = undefined;
        this.#syncBeside();
      }, this.#options.syncIntervalMs);
    }
  }

  /** Syncs while writing goes on. */
  #syncBeside(): void {
    const isIdle = this.#syncing === undefined && this.#files.isHolding;
    if (!isIdle || this.#broken !== undefined) return;
    this.#sync().catch(() => {}).finally(() => {
      // It has not seen what came meanwhile, and a timer that ran out found it at work.
      const isLeft = this.#syncedTo < this.#writtenTo && this.#broken === undefined;
      if (isLeft && !this.#closed) this.#syncLater();
      this.wake();
    });
  }

  /** Gives up the files in hand: what is not synced in them goes into another one. */
  async #abandon(error: unknown): Promise<void> {
    await this.#keepWritten();
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    this.#broken = undefined;
    this.#counts.failures++;
    this.#report(error);
    if (await this.#files.giveUp()) this.#options.afterSegment();
  }

  /** Syncs what stands in files that take no more, so that the next one need not take it all. */
  async #keepWritten(): Promise<void> {
    await this.#syncing?.catch(() => {});
    // After a sync that failed nobody knows what of it stands.
    if (!this.#syncs || this.#broken !== undefined || !this.#files.isHolding) return;
    const failures = this.#failures;
    await this.#sync().catch(() => {});
    this.#failures = failures;
  }

  /** Reports a failure, unless it is one that lasts. */
  #report(error: unknown): void {
    const text = messageOf(error);
    const atMs = Date.now();
    const { text: last, atMs: lastMs } = this.#reported;
    if (this.#failures > 0 && text === last && atMs - lastMs < REPORT_MS) return;
    this.#reported = { text, atMs };
    const { path, offset } = this.#files;
    this.#options.onError(
      new StorageError(
        "unavailable",
        `Cannot write the ${this.#options.directory.what} ${path} at byte ${offset}: ${text}; ${
          this.#log.end - this.#syncedTo
        } bytes are kept in memory until another segment takes them`,
        { cause: error },
      ),
    );
  }

  /** Waits before the next attempt; false if there is no more time. */
  async #pause(): Promise<boolean> {
    const failures = this.#failures++;
    if (this.#aborted) return false;
    if (failures === 0) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
    const timer = setTimeout(resolve, waitMs);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
    this.#endPause = undefined;
    return !this.#aborted;
  }

  /** Ends all waiting: nothing is promised any more. */
  #abort(): void {
    this.#aborted = this.#closed = true;
    this.#endPause?.();
    const error = this.#closedError();
    for (const { resolvers } of [...this.#waiters.written, ...this.#waiters.synced]) {
      resolvers.reject(error);
    }
    this.#waiters.written = [];
    this.#waiters.synced = [];
    this.#madeRoom();
  }

  #closedError(): StorageError {
    const bytes = this.#log.end - this.#syncedTo;
    const { what, path } = this.#options.directory;
    return new StorageError(
      "unavailable",
      `Cannot write ${bytes} bytes to the ${what} in ${path}: it was closed ` +
        "before the disk took them",
    );
  }

  #resolve(level: Level, position: number): void {
    const waiters = this.#waiters[level];
    let count = 0;
    while (count < waiters.length && waiters[count].position <= position) {
      waiters[count++].resolvers.resolve();
    }
    waiters.splice(0, count);
  }

  #forget(position: number, reach: Reach): void {
    this.#syncedTo = position;
    this.#syncedReach = reach;
    this.#log.forget(position);
  }

  #madeRoom(): void {
    this.#room.resolve();
    this.#room = handledResolvers();
  }
}
