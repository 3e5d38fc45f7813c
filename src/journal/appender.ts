/**
 * Appends records to segment files. Callers put records into memory; what came together is written
 * together, beside the event loop, and synced when the mode says so.
 *
 * ```text
 * put ──────▶ in memory ──────▶ written, not synced ──────▶ synced: forgotten
 *                 ▲                      │
 *                 └── a write or a sync fails: the segment is closed at its last good byte, and
 *                     all that is not synced goes into a new one
 * ```
 * What was handed over is never dropped: a disk that is full is tried again, for as long as it takes,
 * and meanwhile {@linkcode Appender.full} tells callers to wait.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { handledResolvers } from "../base/promises.ts";
import type { Durability } from "../engine/journal_options.ts";
import { type Directory, type SegmentFile, writeAll } from "./directory.ts";
import { segmentName } from "./names.ts";

/** Bytes of a block; a longer record gets one of its own. */
const BLOCK_BYTES = 1 << 18;
/** Blocks that are kept for reuse. */
const MAX_SPARE = 32;
/** Bytes that are not synced before a sync starts without being asked. */
const SYNC_BYTES = 16 << 20;
/** Bytes that are not written, and that are written and not synced, before callers should wait. */
const MAX_UNWRITTEN_BYTES = 8 << 20;
const MAX_UNSYNCED_BYTES = 64 << 20;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;

/** How far something reaches. */
export interface Reach {
  /** Number of the last event. */
  event: number;
  /** Ordinal of the last cut. */
  cut: number;
}

/** What an appender works with. */
export interface AppenderOptions {
  readonly directory: Directory;
  readonly durability: Durability;
  readonly syncIntervalMs: number;
  /** A segment that would grow beyond this is followed by another. */
  readonly maxSegmentBytes: number;
  /** Number of the first segment that is made. */
  readonly firstSegment: number;
  /** The record that a new segment begins with. */
  readonly head: (segment: number) => Uint8Array;
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

/** A stretch of the log in memory. */
interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where it begins, counted from the start of the log. */
  base: number;
  length: number;
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
  /** What is not synced; the last one is filled. */
  #blocks: Block[];
  #spare: Uint8Array<ArrayBuffer>[] = [];
  #end = 0;
  #writtenTo = 0;
  #syncedTo = 0;
  readonly #reach: Reach = { event: 0, cut: 0 };
  readonly #waiters: Record<Level, Waiter[]> = { written: [], synced: [] };
  #file: SegmentFile | undefined;
  /** Number of the file, or of the one that comes next. */
  #segment: number;
  /** Bytes in the file, and how many of them will stay whatever happens. */
  #offset = 0;
  #goodOffset = 0;
  #busy = false;
  #running: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why the file in hand must be given up. */
  #broken: { readonly error: unknown } | undefined;
  /** In a row. */
  #failures = 0;
  /** What was said since all was written: why an attempt failed. */
  #complaint: string | undefined;
  #room: PromiseWithResolvers<void> = handledResolvers();
  /** Resolves when waiting for a disk is pointless. */
  readonly #abort = Promise.withResolvers<void>();
  #closed = false;
  readonly #counts = { bytes: 0, syncs: 0, failures: 0 };

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#syncs = options.durability !== "none";
    this.#segment = options.firstSegment;
    this.#blocks = [this.#newBlock(BLOCK_BYTES)];
  }

  /** Number of the segment that is being written, or of the one that comes next. */
  get segment(): number {
    return this.#segment;
  }

  /** Whether `times` times as much is held as should be: callers should wait for {@linkcode room}. */
  isFull(times = 1): boolean {
    return this.#end - this.#writtenTo >= MAX_UNWRITTEN_BYTES * times ||
      this.#writtenTo - this.#syncedTo >= MAX_UNSYNCED_BYTES * times;
  }

  /** Resolves when something was written or synced. */
  get room(): Promise<void> {
    return this.#room.promise;
  }

  /** Counters, and what is held right now. */
  stats(): AppenderStats {
    return { ...this.#counts, heldBytes: this.#end - this.#syncedTo };
  }

  /** Makes the first segment, so that its head is on the disk. @throws {StorageError} */
  async start(): Promise<void> {
    try {
      await this.#openSegment();
      await this.#file!.syncData();
      this.#goodOffset = this.#offset;
    } catch (cause) {
      await this.#closeFile();
      throw new StorageError(
        "refused",
        `Cannot write the journal in ${this.#options.directory.path}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /**
   * Room for a record: where it may stand, from `at` to at least `bytes` further. {@linkcode put} says
   * where it ends; nothing may come between.
   */
  reserve(bytes: number): { bytes: Uint8Array<ArrayBuffer>; at: number } {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block.bytes.length - block.length < bytes) {
      block = this.#newBlock(bytes);
      this.#blocks.push(block);
    }
    return { bytes: block.bytes, at: block.length };
  }

  /** Ends a record that was put into reserved room. */
  put(end: number, reach: Partial<Reach>): void {
    const block = this.#blocks[this.#blocks.length - 1];
    this.#end += end - block.length;
    block.length = end;
    Object.assign(this.#reach, reach);
    this.wake();
  }

  /** Appends a record. */
  append(record: Uint8Array, reach: Partial<Reach>): void {
    const { bytes, at } = this.reserve(record.length);
    bytes.set(record, at);
    this.put(at + record.length, reach);
  }

  /** Resolves `resolvers` once all that was put so far is written, or synced, which is done at once. */
  wait(level: Level, resolvers: PromiseWithResolvers<void>): void {
    this.#waiters[this.#syncs ? level : "written"].push({ position: this.#end, resolvers });
    this.wake();
  }

  /**
   * Writes and syncs what is left, and closes the file.
   *
   * @throws {StorageError} if the disk does not take it within the time
   */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort.resolve(), Math.max(timeoutMs, 1));
    try {
      const resolvers = handledResolvers();
      this.wait("synced", resolvers);
      await resolvers.promise;
      // Without syncs this is the only one: whoever closes has the time.
      if (!this.#syncs) await this.#file?.syncData();
    } finally {
      clearTimeout(timer);
      this.#closed = true;
      this.#abort.resolve();
      await this.#running;
      clearTimeout(this.#syncTimer);
      await this.#syncing?.catch(() => {});
      this.#file?.close();
      this.#file = undefined;
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
        await this.#step();
        this.#failures = 0;
        if (this.#writtenTo === this.#end) this.#complaint = undefined;
      } catch (error) {
        await this.#abandon(error);
        if (!await this.#pause()) {
          this.#giveUp();
          break;
        }
      }
    }
    this.#busy = false;
  }

  #hasWork(): boolean {
    return this.#broken !== undefined || this.#writtenTo < this.#end ||
      this.#waiters.written.length > 0 || this.#waiters.synced.length > 0;
  }

  /** Writes a block, or what is new in it, and syncs if somebody waits for that. */
  async #step(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.error;
    const block = this.#blocks.find(({ base, length }) => base + length > this.#writtenTo);
    if (block !== undefined) await this.#write(block);
    this.#resolve("written", this.#writtenTo);
    if (this.#waiters.synced.some(({ position }) => position <= this.#writtenTo)) {
      if (this.#file === undefined) await this.#openSegment();
      await this.#syncNow();
    }
  }

  async #write(block: Block): Promise<void> {
    const end = block.base + block.length;
    const bytes = block.bytes.subarray(this.#writtenTo - block.base, block.length);
    await this.#makeReady(bytes.length);
    this.#reachSegment();
    try {
      await writeAll(this.#file!, bytes);
    } catch (error) {
      await this.#keepWritten();
      throw error;
    }
    this.#offset += bytes.length;
    this.#counts.bytes += bytes.length;
    this.#writtenTo = end;
    if (this.#syncs) {
      this.#syncLater();
    } else {
      this.#goodOffset = this.#offset;
      this.#forget(end);
    }
    this.#madeRoom();
  }

  /**
   * When the file takes no more: what stands in it stays there. It may be acknowledged, and must not
   * be in memory alone until there is room elsewhere.
   */
  async #keepWritten(): Promise<void> {
    await this.#syncing?.catch(() => {});
    // After a sync that failed nobody knows what of it stands.
    if (!this.#syncs || this.#broken !== undefined) return;
    await this.#sync().catch(() => {});
  }

  /** Sees to it that there is a file with room for so many bytes. */
  async #makeReady(bytes: number): Promise<void> {
    const isFull = this.#offset + bytes > this.#options.maxSegmentBytes;
    if (this.#file !== undefined && isFull) {
      if (this.#syncs) await this.#syncNow();
      this.#file.close();
      this.#file = undefined;
      this.#segment++;
      this.#options.afterSegment();
    }
    if (this.#file === undefined) await this.#openSegment();
  }

  /** Begins a segment with its head and all that was written and not synced. */
  async #openSegment(): Promise<void> {
    const { directory, head } = this.#options;
    this.#offset = this.#goodOffset = 0;
    const file = await directory.create(segmentName(this.#segment));
    this.#file = file;
    this.#reachSegment();
    const record = head(this.#segment);
    await writeAll(file, record);
    this.#offset = record.length;
    for (const { bytes, base, length } of this.#blocks) {
      const from = Math.max(this.#syncedTo - base, 0);
      const to = Math.min(this.#writtenTo - base, length);
      if (from >= to) continue;
      await writeAll(file, bytes.subarray(from, to));
      this.#offset += to - from;
    }
    this.#counts.bytes += this.#offset;
  }

  /** Notes how far the segment may reach: what was put meanwhile may be in the next one, no matter. */
  #reachSegment(): void {
    this.reaches.set(this.#segment, { ...this.#reach });
  }

  /** Syncs all that is written by now: a sync that is under way may not see all of it. */
  async #syncNow(): Promise<void> {
    await this.#syncing?.catch(() => {});
    await this.#sync();
  }

  #sync(): Promise<void> {
    return this.#syncing ??= this.#runSync().finally(() => {
      this.#syncing = undefined;
    });
  }

  async #runSync(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const offset = this.#offset;
    const position = this.#writtenTo;
    await this.#file!.syncData();
    this.#goodOffset = offset;
    this.#counts.syncs++;
    this.#forget(position);
    this.#resolve("synced", position);
    this.#madeRoom();
  }

  #syncLater(): void {
    if (this.#writtenTo - this.#syncedTo >= SYNC_BYTES) this.#syncBeside();
    else if (this.#options.durability === "periodic") {
      this.#syncTimer ??= setTimeout(() => this.#syncBeside(), this.#options.syncIntervalMs);
    }
  }

  /** Syncs while writing goes on. */
  #syncBeside(): void {
    this.#syncTimer = undefined;
    if (this.#syncing !== undefined || this.#file === undefined) return;
    this.#sync().catch((error) => {
      this.#broken ??= { error };
      this.wake();
    });
  }

  /** Closes the file at its last good byte. */
  async #abandon(error: unknown): Promise<void> {
    await this.#syncing?.catch(() => {});
    this.#broken = undefined;
    this.#counts.failures++;
    const why = messageOf(error);
    // A disk that stays full is tried for long: said once, not at every attempt.
    if (why !== this.#complaint) this.#complain(why, error);
    this.#complaint = why;
    await this.#closeFile();
    this.#options.afterSegment();
  }

  #complain(why: string, cause: unknown): void {
    const { directory, onError } = this.#options;
    onError(
      new StorageError(
        "unavailable",
        `Cannot write the journal ${
          directory.pathOf(segmentName(this.#segment))
        } at byte ${this.#offset}: ${why}; ${
          this.#end - this.#syncedTo
        } bytes are kept in memory until another segment takes them`,
        { cause },
      ),
    );
  }

  /** Closes the file at its last good byte; without any it is removed, and its number is free again. */
  async #closeFile(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    // Should this fail: events are numbered, so a reader takes none of them twice.
    await file.truncate(this.#goodOffset).catch(() => {});
    file.close();
    if (this.#goodOffset === 0) {
      try {
        await this.#options.directory.remove(segmentName(this.#segment));
        this.reaches.delete(this.#segment);
        return;
      } catch {
        // Then it stays, empty.
      }
    }
    this.#segment++;
  }

  /** Waits before the next attempt; false if there is no more time. */
  async #pause(): Promise<boolean> {
    const failures = this.#failures++;
    const waitMs = failures === 0
      ? 0
      : Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), waitMs);
    this.#abort.promise.then(() => resolve(false));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #giveUp(): void {
    const error = new StorageError(
      "unavailable",
      `Cannot write ${
        this.#end - this.#syncedTo
      } bytes to the journal in ${this.#options.directory.path}: it was closed before the disk took them`,
    );
    for (const { resolvers } of [...this.#waiters.written, ...this.#waiters.synced]) {
      resolvers.reject(error);
    }
    this.#closed = true;
  }

  #resolve(level: Level, position: number): void {
    const waiters = this.#waiters[level];
    let count = 0;
    while (count < waiters.length && waiters[count].position <= position) {
      waiters[count++].resolvers.resolve();
    }
    waiters.splice(0, count);
  }

  /** Lets go of the log up to a position. */
  #forget(position: number): void {
    this.#syncedTo = position;
    while (this.#blocks.length > 1) {
      const { bytes, base, length } = this.#blocks[0];
      if (base + length > position) return;
      this.#blocks.shift();
      if (bytes.length === BLOCK_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(bytes);
    }
    const [block] = this.#blocks;
    if (position < this.#end) return;
    // All of it: the block can be filled anew.
    block.base = this.#end;
    block.length = 0;
  }

  #newBlock(bytes: number): Block {
    const spare = bytes <= BLOCK_BYTES ? this.#spare.pop() : undefined;
    return {
      bytes: spare ?? new Uint8Array(Math.max(bytes, BLOCK_BYTES)),
      base: this.#end,
      length: 0,
    };
  }

  #madeRoom(): void {
    this.#room.resolve();
    this.#room = handledResolvers();
  }
}
