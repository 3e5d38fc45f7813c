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
import { type Directory, type SegmentFile, writeAll } from "./directory.ts";
import { BLOCK_BYTES, LogBuffer, type Reach, type Stretch } from "./log_buffer.ts";
import { segmentName } from "./names.ts";
import type { Room } from "./records.ts";

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

/** A file that is not synced to its end. */
interface OpenSegment {
  readonly number: number;
  readonly file: SegmentFile;
  /** Bytes in it, and how many of them will stay whatever happens. */
  offset: number;
  goodOffset: number;
}

/** A segment that was given up. */
interface Leftover {
  readonly segment: number;
  /** Where it is to end once another one holds what follows. */
  readonly goodOffset: number;
}

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
  /** The one that is written. With `#full` it holds all that is written and not synced, or there is none. */
  #file: OpenSegment | undefined;
  /** Those before it that are not synced. */
  #full: OpenSegment[] = [];
  /** Number of the file, or of the one that comes next. */
  #segment: number;
  #busy = false;
  #running: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why the files in hand must be given up. */
  #broken: { readonly error: unknown } | undefined;
  /** In a row. */
  #failures = 0;
  #leftovers: Leftover[] = [];
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
    this.#segment = options.firstSegment;
    this.#log = new LogBuffer(options.reach);
    this.#writtenReach = this.#syncedReach = options.reach;
  }

  /** Number of the segment that is being written, or of the one that comes next. */
  get segment(): number {
    return this.#segment;
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
      const segment = await this.#openSegment();
      await segment.file.syncData();
      segment.goodOffset = segment.offset;
    } catch (cause) {
      if (this.#file !== undefined) {
        this.#file.file.close();
        this.#file = undefined;
        await this.#options.directory.remove(segmentName(this.#segment)).catch(() => {});
      }
      throw new StorageError(
        "refused",
        `Cannot write the journal in ${this.#options.directory.path}: ${messageOf(cause)}`,
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
      if (!this.#syncs) await this.#file?.file.syncData();
    } finally {
      clearTimeout(timer);
      this.#abort();
      await this.#running;
      clearTimeout(this.#syncTimer);
      await this.#syncing?.catch(() => {});
      for (const { file } of this.#files()) file.close();
      this.#file = undefined;
      this.#full = [];
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
      (this.#file === undefined && this.#syncedTo < this.#writtenTo) ||
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
    } else if (this.#file === undefined && this.#syncedTo < this.#writtenTo) {
      await this.#openSegment();
      this.#syncLater();
    }
    this.#resolve("written", this.#writtenTo);
    // Nothing came since it was synced.
    if (this.#syncs) this.#resolve("synced", this.#syncedTo);
    if (this.#waitsForSync()) {
      if (this.#file === undefined) await this.#openSegment();
      this.#syncBeside();
    }
  }

  #waitsForSync(): boolean {
    return this.#waiters.synced.some(({ position }) => position <= this.#writtenTo);
  }

  async #write({ bytes, end, reach }: Stretch): Promise<void> {
    const segment = await this.#readyFor(bytes.length);
    this.#reachSegment();
    await writeAll(segment.file, bytes);
    segment.offset += bytes.length;
    this.#counts.bytes += bytes.length;
    this.#writtenTo = end;
    this.#writtenReach = reach;
    if (this.#syncs) {
      this.#syncLater();
    } else {
      this.#failures = 0;
      segment.goodOffset = segment.offset;
      this.#forget(end, reach);
    }
    this.#madeRoom();
  }

  /** The segment that takes so many bytes more. A full one is synced while the next one is written. */
  async #readyFor(bytes: number): Promise<OpenSegment> {
    const segment = this.#file;
    if (segment === undefined) return await this.#openSegment();
    if (segment.offset + bytes <= this.#options.maxSegmentBytes) return segment;
    this.#file = undefined;
    this.#segment++;
    if (this.#syncs) {
      this.#full.push(segment);
      this.#syncBeside();
    } else {
      segment.file.close();
    }
    this.#options.afterSegment();
    return await this.#openSegment();
  }

  /** Begins a segment with its head and with what was written, is not synced, and stands in no file. */
  async #openSegment(): Promise<OpenSegment> {
    const { directory, head } = this.#options;
    const number = this.#segment;
    const name = segmentName(number);
    let file: SegmentFile;
    try {
      file = await directory.create(name);
    } catch (error) {
      // Left behind by an attempt that failed.
      if (error instanceof Deno.errors.AlreadyExists) this.#segment++;
      throw error;
    }
    const segment = { number, file, offset: 0, goodOffset: 0 };
    const write = async (bytes: Uint8Array) => {
      await writeAll(file, bytes);
      segment.offset += bytes.length;
    };
    this.#reachSegment();
    try {
      await write(head(number, this.#syncedReach));
      segment.goodOffset = segment.offset;
      const from = this.#full.length > 0 ? this.#writtenTo : this.#syncedTo;
      for (const bytes of this.#log.between(from, this.#writtenTo)) await write(bytes);
    } catch (error) {
      // Its number is free again; should it stay, it is passed over.
      file.close();
      await directory.remove(name).catch(() => {});
      throw error;
    }
    // Not before: a sync that is due meanwhile would take all of this for synced.
    this.#file = segment;
    this.#counts.bytes += segment.offset;
    await this.#cutLeftovers();
    return segment;
  }

  /** Segments that were given up end where they are good, now that another one holds what follows. */
  async #cutLeftovers(): Promise<void> {
    const { directory } = this.#options;
    for (const { segment, goodOffset } of this.#leftovers) {
      // Should this fail: a reader takes nothing twice.
      await directory.truncate(segmentName(segment), goodOffset).catch(() => {});
    }
    this.#leftovers = [];
  }

  /** Notes how far the segment may reach: what was put meanwhile may be in the next one, no matter. */
  #reachSegment(): void {
    this.reaches.set(this.#segment, this.#log.reach);
  }

  /** What holds all that is written and not synced, in the order of the log. */
  #files(): OpenSegment[] {
    return this.#file === undefined ? this.#full : [...this.#full, this.#file];
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
    const marks = this.#files().map((segment) => ({ segment, offset: segment.offset }));
    const position = this.#writtenTo;
    const reach = this.#writtenReach;
    for (const { segment, offset } of marks) {
      await segment.file.syncData();
      segment.goodOffset = offset;
    }
    // Not after each write: where only syncs fail, a segment would follow the other without a pause.
    this.#failures = 0;
    this.#counts.syncs++;
    this.#closeSynced();
    this.#forget(position, reach);
    this.#resolve("synced", position);
    this.#madeRoom();
  }

  #closeSynced(): void {
    this.#full = this.#full.filter(({ file, offset, goodOffset }) => {
      if (goodOffset < offset) return true;
      file.close();
      return false;
    });
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
    const isIdle = this.#syncing === undefined && this.#files().length > 0;
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
    const files = this.#files();
    const isWriting = this.#file !== undefined;
    // What was written in part is no record.
    await this.#file?.file.truncate(this.#file.offset).catch(() => {});
    this.#file = undefined;
    this.#full = [];
    for (const { number, file, goodOffset } of files) {
      file.close();
      this.#leftovers.push({ segment: number, goodOffset });
    }
    if (!isWriting) return;
    this.#segment++;
    this.#options.afterSegment();
  }

  /** Syncs what stands in files that take no more, so that the next one need not take it all. */
  async #keepWritten(): Promise<void> {
    await this.#syncing?.catch(() => {});
    // After a sync that failed nobody knows what of it stands.
    if (!this.#syncs || this.#broken !== undefined || this.#files().length === 0) return;
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
    const { directory, onError } = this.#options;
    const file = directory.pathOf(segmentName(this.#segment));
    onError(
      new StorageError(
        "unavailable",
        `Cannot write the journal ${file} at byte ${this.#file?.offset ?? 0}: ${text}; ${
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
    return new StorageError(
      "unavailable",
      `Cannot write ${bytes} bytes to the journal in ${this.#options.directory.path}: it was closed ` +
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
