/**
 * The journal: what was recorded, on disk, until storage has it for certain.
 *
 * ```text
 * events 1…32 │ events 33…40 │ cut of flush 1, covers 40 │ events 41… │ confirmed: flush 1 │ …
 * ```
 * An event stands in it as it was received, with the second it was counted at. A cut stands in it,
 * chunks and all, before the first of them is committed: after a crash its chunks are committed as they
 * stand, and only events behind the last cut are counted anew.
 *
 * @module
 */
import { JournalError, StorageError } from "../base/errors.ts";
import { handledResolvers, withDeadline } from "../base/promises.ts";
import type { Durability, JournalSettings } from "../engine/journal_options.ts";
import { checkpointText, sameCheckpoint } from "../storage/checkpoint.ts";
import type { Checkpoint, Chunk } from "../storage/storage.ts";
import { Appender, type AppenderStats } from "./appender.ts";
import { Directory } from "./directory.ts";
import { type CutPlace, History } from "./history.ts";
import type { Reach } from "./log_buffer.ts";
import { SNAPSHOT_NAME } from "./names.ts";
import { type Found, type JournalOwner, look } from "./opening.ts";
import { PastSegments } from "./past_segments.ts";
import {
  type Confirmation,
  confirmedRecord,
  type CutHead,
  type CutRecord,
  cutRecord,
  FORMAT_VERSION,
  type Head,
  headRecord,
} from "./records.ts";
import { PendingEvents } from "./pending_events.ts";
import { noteSegment, readSegment } from "./segments.ts";

/** An event that was read back. */
export interface JournalledEvent {
  readonly number: number;
  readonly seconds: number;
  /** See `readEventText`. */
  readonly text: string;
}

/** Counters, and what is held right now. */
export interface JournalStats extends AppenderStats {
  /** Segments in the directory. */
  segments: number;
}

/** A segment is not written any more beyond this. */
const SEGMENT_BYTES = 64 << 20;
/** How often segments that may go are looked for. */
const TIDY_MS = 30_000;

/** See the top of this file. */
export class Journal {
  /** The writer's id: it belongs to the directory. */
  readonly writer: string;
  /** Of this opening; it stands on the disk. */
  readonly incarnation: string = crypto.randomUUID();
  readonly durability: Durability;
  readonly #owner: JournalOwner;
  readonly #directory: Directory;
  readonly #lock: Deno.FsFile;
  readonly #appender: Appender;
  /** All but the one that is being written. */
  readonly #past: PastSegments;
  /** Number of the last event. */
  #event: number;
  /** Ordinal of the last cut. */
  #cut: number;
  #lastCut: CutHead | undefined;
  /** Ordinal of the last cut that is confirmed. */
  #confirmedCut: number;
  #confirmed: Confirmation | null;
  /** Undefined until recovery is done: before, it may need what is kept, however old it is. */
  #released: Reach | undefined;
  /** As far as it was read: at first what recovery needs. */
  #history: History;
  /** There are newer cuts than it knows. */
  #isStale = false;
  /** Events that are not in a record yet. */
  readonly #pending = new PendingEvents();
  /** Shared by all that was appended since the last write began. */
  #accepted: PromiseWithResolvers<void> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #closed: Promise<void> | undefined;

  private constructor(
    config: JournalSettings,
    owner: JournalOwner,
    directory: Directory,
    lock: Deno.FsFile,
    found: Found,
  ) {
    this.writer = found.writer;
    this.durability = config.durability;
    this.#history = found.history;
    this.#owner = owner;
    this.#directory = directory;
    this.#lock = lock;
    this.#past = new PastSegments(found, {
      directory,
      settings: config,
      synced: () => this.#synced(),
      onError: owner.onError,
    });
    this.#event = found.history.lastEvent;
    this.#cut = found.history.cuts.length;
    this.#confirmed = found.history.confirmed;
    this.#lastCut = found.history.cuts.at(-1)?.head;
    const confirmation = this.#lastCut && confirmationOf(this.#lastCut);
    const isConfirmed = confirmation?.covers === this.#confirmed?.covers &&
      sameCheckpoint(confirmation?.checkpoint ?? null, this.#confirmed?.checkpoint ?? null);
    this.#confirmedCut = isConfirmed ? this.#cut : 0;
    this.#appender = new Appender({
      directory,
      durability: config.durability,
      syncIntervalMs: config.syncIntervalMs,
      maxSegmentBytes: owner.maxSegmentBytes ?? SEGMENT_BYTES,
      firstSegment: (found.segments.at(-1)?.number ?? 0) + 1,
      reach: { event: this.#event, cut: this.#cut },
      head: (segment, { event }) => headRecord(this.#head(segment, event)),
      beforeWrite: () => this.#seal(),
      afterSegment: () => this.#past.collect(this.#appender.reaches, this.#appender.segment),
      onError: owner.onError,
    });
    this.#timer = setInterval(() => this.#tidySoon(), TIDY_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /**
   * Takes the directory, reads what is in it, and begins a segment.
   *
   * @throws {ConfigError} if it is the journal of another prefix or writer, or of a newer traqq
   * @throws {StorageError} `held` if another process has it open, `refused` if it cannot be read or
   *   written
   */
  static async open(config: JournalSettings, owner: JournalOwner): Promise<Journal> {
    const directory = owner.directory ?? new Directory(config.directory);
    await directory.ensure();
    const lock = await directory.lock();
    let journal: Journal | undefined;
    try {
      const found = await look(directory, owner);
      journal = new Journal(config, owner, directory, lock, found);
      await journal.#appender.start();
      return journal;
    } catch (error) {
      if (journal !== undefined) clearInterval(journal.#timer);
      lock.close();
      throw error;
    }
  }

  /** Of the processes that had it open before. */
  get pastIncarnations(): readonly string[] {
    return this.#history.incarnations;
  }

  /** Number of the last event. */
  get lastEvent(): number {
    return this.#event;
  }

  /** Whether `times` times as much is held as should be: callers should wait for {@linkcode room}. */
  isFull(times = 1): boolean {
    return this.#appender.isFull(times);
  }

  /** Resolves when something was written or synced. */
  get room(): Promise<void> {
    return this.#appender.room;
  }

  /** Resolves when all that was appended so far is as durable as the mode says; undefined: it is. */
  get accepted(): Promise<void> | undefined {
    if (this.durability === "none") return undefined;
    if (this.#accepted === undefined) {
      this.#accepted = handledResolvers();
      this.#appender.wake();
    }
    return this.#accepted.promise;
  }

  /** Counters, and what is held right now. */
  stats(): JournalStats {
    return { ...this.#appender.stats(), segments: this.#past.numbers.length + 1 };
  }

  /**
   * Appends an event. It is on its way afterwards: {@linkcode accepted} says when it has arrived.
   *
   * @param text see `readEventText`
   */
  append(seconds: number, text: string): void {
    if (!this.#pending.takes()) this.#putEvents();
    this.#pending.addText(seconds, text);
    this.#appended();
  }

  /**
   * As {@linkcode append}, with the JSON as bytes. They must not change before {@linkcode giveBack} was
   * called.
   */
  appendLine(seconds: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#pending.takes(bytes, start)) this.#putEvents();
    this.#pending.addLine(seconds, bytes, start, end);
    this.#appended();
  }

  #appended(): void {
    this.#event++;
    if (this.#pending.isFull) this.#putEvents();
    else if (this.#pending.count === 1) this.#appender.wake();
  }

  /** Copies what was appended in somebody's bytes. */
  giveBack(): void {
    if (this.#pending.isBorrowed) this.#putEvents();
  }

  /**
   * Appends a cut; resolves when it is on the disk, with `none` when it is with the system: then its
   * chunks may be committed.
   *
   * @param cut what it is; `covers` is the number of the last event in it
   * @param chunks its parts, in order
   */
  async cut(cut: Omit<CutHead, "parts">, chunks: readonly Chunk[]): Promise<void> {
    this.#putEvents();
    this.#lastCut = { ...cut, parts: chunks.length };
    this.#isStale = true;
    this.#appender.append(cutRecord(cut, chunks.map(({ cells }) => cells)), { cut: ++this.#cut });
    await this.#synced();
  }

  /** Notes that storage has confirmed all chunks of all cuts. */
  confirm(): void {
    if (this.#closed !== undefined) return;
    if (this.#confirmedCut < this.#cut) this.#confirmAs(confirmationOf(this.#lastCut!));
    if (!this.#owner.forgets) this.release();
  }

  #confirmAs(confirmed: Confirmation): void {
    this.#confirmed = confirmed;
    this.#confirmedCut = this.#cut;
    this.#appender.append(confirmedRecord(confirmed), {});
  }

  /** Notes that all that is confirmed stands, whatever becomes of this process. */
  release(): void {
    this.#released = { event: this.#confirmed?.covers ?? 0, cut: this.#confirmedCut };
    this.#tidySoon();
  }

  /**
   * Number of the last event that is in storage, or in a cut that {@linkcode chunksAfter} gives. What may
   * be in a cut that is lost counts as covered, from now on for good.
   */
  covered(stored: Checkpoint | null): number {
    const history = this.#history;
    if (!history.resume(stored, this.#owner.forgets).isAhead) return history.covered;
    const covers = history.maybeCovered;
    this.#confirmAs({ checkpoint: stored, covers });
    return covers;
  }

  /**
   * The chunks behind a checkpoint that are kept, in order.
   *
   * @param stored the checkpoint in storage
   * @throws {StorageError} `refused`, `foreign`: see {@linkcode History.resume}
   */
  async *chunksAfter(stored: Checkpoint | null): AsyncGenerator<Chunk> {
    if (this.#isStale || !this.#history.knows(stored)) {
      // All that is kept, not only what recovery needs.
      this.#history = await this.#read([...this.#past.numbers, this.#appender.segment]);
      this.#isStale = false;
    }
    const { cut: first, isAhead, isBehind } = this.#history.resume(stored, this.#owner.forgets);
    if (isBehind) {
      this.#owner.onError(
        new StorageError(
          "behind",
          `Storage lost commits of writer ${this.writer} that are no longer kept: from ${
            checkpointText(stored)
          } to ${
            checkpointText(this.#history.confirmed?.checkpoint ?? null)
          }; counts of that time are too low`,
        ),
      );
    }
    if (isAhead) {
      this.#owner.onError(
        new JournalError(
          `Storage stands at ${
            checkpointText(stored)
          }, and the journal in ${this.#directory.path} ` +
            "has lost that cut: whether all of it is in storage cannot be known; events up to number " +
            `${this.#history.maybeCovered} are not counted again`,
          this.#directory.path,
        ),
      );
    }
    const wanted = this.#history.cuts.slice(first);
    for (const { segment } of wanted) this.#past.renew(segment);
    for await (const chunk of this.#chunksIn(wanted)) {
      if (!isIn(stored, chunk)) yield chunk;
    }
  }

  /**
   * The chunks of earlier processes that were cut or confirmed in their last `replayMs`, in order; maybe
   * older ones too.
   */
  async *keptChunks(): AsyncGenerator<Chunk> {
    const { cuts } = await this.#read(this.#past.recent());
    yield* this.#chunksIn(cuts);
  }

  async *#chunksIn(wanted: readonly CutPlace[]): AsyncGenerator<Chunk> {
    for (const segment of new Set(wanted.map(({ segment }) => segment))) {
      const offsets = new Set(wanted.filter((cut) => cut.segment === segment).map((c) => c.offset));
      for await (const { record, offset } of readSegment(this.#directory, segment, () => {})) {
        if (record.kind === "cut" && offsets.has(offset)) yield* this.#chunksOf(record);
      }
    }
  }

  /** The events behind a number, in order: those of earlier processes that no cut covers. */
  async *eventsAfter(number: number): AsyncGenerator<JournalledEvent> {
    const { lastEvent } = this.#history;
    // Both may change while the caller brings events to storage.
    const { neededFrom } = this.#past;
    let last = number;
    for (const segment of this.#past.numbers) {
      if (segment < neededFrom || this.#past.isForeign(segment)) continue;
      for await (const { record } of readSegment(this.#directory, segment, () => {})) {
        if (record.kind !== "events" || record.first + record.count - 1 <= last) continue;
        for (const [i, { seconds, text }] of record.events().entries()) {
          const number = record.first + i;
          if (number <= last || number > lastEvent) continue;
          last = number;
          yield { number, seconds, text };
        }
      }
    }
  }

  /** Where the snapshot lies. */
  get snapshotPath(): string {
    return this.#directory.pathOf(SNAPSHOT_NAME);
  }

  /** What a storage that dies with its process held, when {@linkcode writeSnapshot} last ran. */
  async readSnapshot(): Promise<string | undefined> {
    const bytes = await this.#directory.read(SNAPSHOT_NAME);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** Replaces the snapshot. @throws what the system says; then the old one stands */
  async writeSnapshot(lines: AsyncIterable<string>): Promise<void> {
    await this.#directory.replace(SNAPSHOT_NAME, lines);
  }

  /**
   * Writes and syncs what is left, and lets go of the directory. Closing twice is fine.
   *
   * @throws {StorageError} if the disk does not take it within the time
   */
  close(timeoutMs: number): Promise<void> {
    return this.#closed ??= this.#close(timeoutMs);
  }

  async #close(timeoutMs: number): Promise<void> {
    clearInterval(this.#timer);
    // While the disk is at work, what it writes may still appear: the directory stays taken.
    const closed = this.#closeFiles(timeoutMs).finally(() => this.#lock.close());
    await withDeadline(closed, Math.max(timeoutMs, 0) + 1000, () =>
      new StorageError(
        "unavailable",
        `Cannot close the journal in ${this.#directory.path}: the disk does not answer`,
      ));
  }

  async #closeFiles(timeoutMs: number): Promise<void> {
    try {
      // Those who wait, too: a write that does not end would keep them out.
      this.#seal();
      await this.#appender.close(timeoutMs);
    } finally {
      this.#seal();
      await this.#past.close();
    }
  }

  /** Makes a record of the events at hand. */
  #putEvents(): void {
    const pending = this.#pending;
    if (pending.count === 0) return;
    const first = this.#event - pending.count + 1;
    const { room, at } = this.#appender.reserve(pending.capacity);
    const end = pending.write(room, at, first, Date.now());
    this.#appender.put(end, { event: this.#event });
  }

  #seal(): void {
    this.#putEvents();
    if (this.#accepted === undefined) return;
    this.#appender.wait(this.durability === "every_write" ? "synced" : "written", this.#accepted);
    this.#accepted = undefined;
  }

  /** @param event number of the last event before it */
  #head(segment: number, event: number): Head {
    return {
      version: FORMAT_VERSION,
      writer: this.writer,
      prefix: this.#owner.prefix,
      incarnation: this.incarnation,
      segment,
      nextEvent: event + 1,
      confirmed: this.#confirmed,
      neededFrom: this.#past.neededFrom,
      damaged: this.#past.damaged,
    };
  }

  async #read(numbers: readonly number[]): Promise<History> {
    const history = new History(this.#directory.path);
    for (const [i, segment] of numbers.entries()) {
      if (i > 0 && segment !== numbers[i - 1] + 1) history.noteDamage();
      await noteSegment(
        this.#directory,
        segment,
        history,
        () => {},
        () => !this.#past.isForeign(segment),
      );
    }
    return history;
  }

  #chunksOf({ head, chunks }: CutRecord): Chunk[] {
    let { previous } = head;
    return chunks().map((cells, part) => {
      const checkpoint = { incarnation: head.incarnation, flush: head.flush, part };
      const chunk = {
        prefix: this.#owner.prefix,
        writer: this.writer,
        durable: true,
        checkpoint,
        previous,
        cells,
      };
      previous = checkpoint;
      return chunk;
    });
  }

  #tidySoon(): void {
    if (this.#closed !== undefined || this.#released === undefined) return;
    const { segment } = this.#appender;
    if (this.#past.release(this.#released, segment)) {
      this.#putEvents();
      this.#appender.append(headRecord(this.#head(segment, this.#event)), {});
    }
    this.#past.tidy();
  }

  /** Resolves when all that was put so far is on the disk; with `none`, with the system. */
  #synced(): Promise<void> {
    const resolvers = handledResolvers();
    this.#appender.wait("synced", resolvers);
    return resolvers.promise;
  }
}

/** What storage says once it has all of a cut. */
function confirmationOf({ incarnation, flush, parts, covers, previous }: CutHead): Confirmation {
  return { checkpoint: parts > 0 ? { incarnation, flush, part: parts - 1 } : previous, covers };
}

/** Whether storage has a chunk. */
function isIn(stored: Checkpoint | null, { checkpoint }: Chunk): boolean {
  return stored !== null && stored.incarnation === checkpoint.incarnation &&
    stored.flush === checkpoint.flush &&
    (checkpoint.part < stored.part ||
      (checkpoint.part === stored.part && stored.applied === undefined));
}
