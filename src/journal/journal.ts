/**
 * The journal: what was recorded, on disk, until storage has it for certain.
 *
 * ```text
 * events 1…16 │ events 17…20 │ cut of flush 1, covers 20 │ events 21… │ confirmed: flush 1 │ …
 * ```
 * An event stands in it as it was received, with the second it was counted at. A cut stands in it,
 * chunks and all, before the first of them is committed: after a crash its chunks are committed as they
 * stand, and only events behind the last cut are counted anew.
 *
 * @module
 */
import { ConfigError, JournalError, StorageError } from "../base/errors.ts";
import { handledResolvers, withDeadline } from "../base/promises.ts";
import { show } from "../base/show.ts";
import type { Durability, JournalSettings } from "../engine/journal_options.ts";
import { checkpointText } from "../storage/checkpoint.ts";
import type { Checkpoint, Chunk } from "../storage/storage.ts";
import { Appender, type AppenderStats, type Reach } from "./appender.ts";
import { Directory } from "./directory.ts";
import { History } from "./history.ts";
import { IDENTITY_NAME, isOwnName, segmentName, SNAPSHOT_NAME } from "./names.ts";
import {
  type Confirmation,
  confirmedRecord,
  type CutHead,
  type CutRecord,
  cutRecord,
  eventsCapacity,
  FORMAT_VERSION,
  type Head,
  headRecord,
  MAX_EVENTS,
  writeEvents,
} from "./records.ts";
import { type PlacedRecord, readSegment, segmentsIn } from "./segments.ts";

/** Whose journal it is, and who is told what is wrong with it. */
export interface JournalOwner {
  readonly prefix: string;
  /** The writer's id; undefined: the one of the journal, or a random one. */
  readonly writer: string | undefined;
  /** Whether the storage dies with its process: then it needs snapshots. */
  readonly forgets: boolean;
  readonly onError: (error: Error) => void;
  /** For tests. */
  readonly directory?: Directory;
  /** For tests. */
  readonly maxSegmentBytes?: number;
}

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
const SEGMENT_BYTES = 32 << 20;
/** Characters of events that are put into one record, unless it is one event. */
const MAX_EVENTS_CHARS = 1 << 14;
/** How often segments that may go are looked for. */
const TIDY_MS = 30_000;

/** What is known of a segment in the directory. */
interface Segment {
  readonly number: number;
  /** How far it reaches; undefined for one from before what recovery needed. */
  reach: Reach | undefined;
  /** Since when storage has all of it. */
  doneAtMs: number | undefined;
}

/** See the top of this file. */
export class Journal {
  /** The writer's id: it belongs to the directory. */
  readonly writer: string;
  /** Of this opening; it stands on the disk. */
  readonly incarnation: string = crypto.randomUUID();
  readonly durability: Durability;
  readonly #config: JournalSettings;
  readonly #owner: JournalOwner;
  readonly #directory: Directory;
  readonly #lock: Deno.FsFile;
  readonly #appender: Appender;
  /** All but the one that is being written, ascending. */
  #segments: Segment[];
  readonly #damaged: Set<number>;
  #neededFrom: number;
  /** Number of the last event. */
  #event: number;
  /** Ordinal of the last cut. */
  #cut: number;
  #lastCut: CutHead | undefined;
  #confirmed: Confirmation | null;
  #released: Reach = { event: 0, cut: 0 };
  /** As far as it was read: at first what recovery needs. */
  #history: History;
  /** There are newer cuts than it knows. */
  #isStale = false;
  /** Events that are not in a record yet. */
  #texts: string[] = [];
  #seconds: number[] = [];
  #chars = 0;
  /** Shared by all that was appended since the last write began. */
  #accepted: PromiseWithResolvers<void> | undefined;
  #tidying: Promise<void> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #closed: Promise<void> | undefined;

  private constructor(
    config: JournalSettings,
    owner: JournalOwner,
    directory: Directory,
    lock: Deno.FsFile,
    writer: string,
    found: Found,
  ) {
    this.writer = writer;
    this.durability = config.durability;
    this.#history = found.history;
    this.#config = config;
    this.#owner = owner;
    this.#directory = directory;
    this.#lock = lock;
    this.#segments = found.segments;
    this.#damaged = found.damaged;
    this.#neededFrom = found.neededFrom;
    this.#event = found.history.lastEvent;
    this.#cut = found.history.cuts.length;
    this.#confirmed = found.history.confirmed;
    this.#lastCut = found.history.cuts.at(-1)?.head;
    this.#appender = new Appender({
      directory,
      durability: config.durability,
      syncIntervalMs: config.syncIntervalMs,
      maxSegmentBytes: owner.maxSegmentBytes ?? SEGMENT_BYTES,
      firstSegment: (found.segments.at(-1)?.number ?? 0) + 1,
      head: (segment) => headRecord(this.#head(segment)),
      beforeWrite: () => this.#seal(),
      afterSegment: () => this.#collect(),
      onError: owner.onError,
    });
    this.#timer = setInterval(() => this.#tidySoon(), Math.min(TIDY_MS, config.replayMs + 1));
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
      const writer = await identify(directory, owner, found);
      journal = new Journal(config, owner, directory, lock, writer, found);
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
    return (this.#accepted ??= handledResolvers()).promise;
  }

  /** Counters, and what is held right now. */
  stats(): JournalStats {
    return { ...this.#appender.stats(), segments: this.#segments.length + 1 };
  }

  /**
   * Appends an event. It is on its way afterwards: {@linkcode accepted} says when it has arrived.
   *
   * @param text one line, see `readEventText`
   */
  append(seconds: number, text: string): void {
    if (this.#texts.push(text) === 1) this.#appender.wake();
    this.#seconds.push(seconds);
    this.#chars += text.length;
    this.#event++;
    if (this.#texts.length === MAX_EVENTS || this.#chars > MAX_EVENTS_CHARS) this.#putEvents();
  }

  /**
   * Appends a cut; resolves when it is durable, so that its chunks may be committed.
   *
   * @param cut what it is; `covers` is the number of the last event in it
   * @param chunks its parts, in order
   */
  async cut(cut: Omit<CutHead, "parts">, chunks: readonly Chunk[]): Promise<void> {
    this.#putEvents();
    this.#lastCut = { ...cut, parts: chunks.length };
    this.#isStale = true;
    this.#appender.append(cutRecord(cut, chunks.map(({ cells }) => cells)), { cut: ++this.#cut });
    const resolvers = handledResolvers();
    this.#appender.wait("synced", resolvers);
    await resolvers.promise;
  }

  /** Notes that storage has confirmed all chunks of all cuts. */
  confirm(): void {
    const cut = this.#lastCut;
    if (cut === undefined) return;
    const { incarnation, flush, parts, covers } = cut;
    const checkpoint = parts > 0 ? { incarnation, flush, part: parts - 1 } : cut.previous;
    if (checkpoint === null) return; // nothing that storage could confirm, so far
    this.#confirmed = { checkpoint, covers };
    this.#appender.append(confirmedRecord(this.#confirmed), {});
    if (!this.#owner.forgets) this.release();
  }

  /** Notes that all that is confirmed stands, whatever becomes of this process. */
  release(): void {
    this.#released = { event: this.#confirmed?.covers ?? 0, cut: this.#cut };
    this.#tidySoon();
  }

  /** Number of the last event that is in storage, or in a cut that {@linkcode chunksAfter} gives. */
  covered(stored: Checkpoint | null): number {
    const { isAhead } = this.#history.resume(stored, this.#owner.forgets);
    return isAhead ? this.#history.lastEvent : this.#history.covered;
  }

  /**
   * The chunks behind a checkpoint that are kept, in order.
   *
   * @param stored the checkpoint in storage
   * @throws {StorageError} `refused`, `foreign`: see {@linkcode History.resume}
   */
  async *chunksAfter(stored: Checkpoint | null): AsyncGenerator<Chunk> {
    if (this.#isStale || !this.#history.knows(stored)) {
      this.#history = await this.#readAll();
      this.#isStale = false;
    }
    const { cut: first, isAhead } = this.#history.resume(stored, this.#owner.forgets);
    if (isAhead) {
      this.#owner.onError(
        new JournalError(
          `Storage stands at ${
            checkpointText(stored)
          }, and the journal in ${this.#directory.path} ` +
            "has lost that cut: whether all of it is in storage cannot be known; events up to there " +
            "are not counted again",
          this.#directory.path,
        ),
      );
    }
    const wanted = this.#history.cuts.slice(first);
    for (const segment of new Set(wanted.map(({ segment }) => segment))) {
      const offsets = new Set(wanted.filter((cut) => cut.segment === segment).map((c) => c.offset));
      for await (const { record, offset } of readSegment(this.#directory, segment, () => {})) {
        if (record.kind !== "cut" || !offsets.has(offset)) continue;
        for (const chunk of this.#chunksOf(record)) if (!isIn(stored, chunk)) yield chunk;
      }
    }
  }

  /** The events behind a number, in order: those of earlier processes that no cut covers. */
  async *eventsAfter(number: number): AsyncGenerator<JournalledEvent> {
    const { lastEvent } = this.#history;
    let last = number;
    for (const { number: segment } of this.#segments) {
      if (segment < this.#neededFrom) continue;
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
    try {
      await this.#tidying;
      this.#putEvents();
      await withDeadline(this.#appender.close(timeoutMs), timeoutMs + 1000, () =>
        new StorageError(
          "unavailable",
          `Cannot close the journal in ${this.#directory.path}: the disk does not answer`,
        ));
    } finally {
      this.#lock.close();
    }
  }

  /** Makes a record of the events at hand. */
  #putEvents(): void {
    const seconds = this.#seconds;
    if (seconds.length === 0) return;
    const text = this.#texts.join("\n");
    const first = this.#event - seconds.length + 1;
    const { bytes, at } = this.#appender.reserve(eventsCapacity(seconds.length, text));
    const end = writeEvents(bytes, at, first, Date.now(), seconds, text);
    this.#texts = [];
    this.#seconds = [];
    this.#chars = 0;
    this.#appender.put(end, { event: this.#event });
  }

  #seal(): void {
    this.#putEvents();
    if (this.#accepted === undefined) return;
    this.#appender.wait(this.durability === "every_write" ? "synced" : "written", this.#accepted);
    this.#accepted = undefined;
  }

  #head(segment: number): Head {
    return {
      version: FORMAT_VERSION,
      writer: this.writer,
      prefix: this.#owner.prefix,
      incarnation: this.incarnation,
      segment,
      nextEvent: this.#event + 1,
      confirmed: this.#confirmed,
      neededFrom: this.#neededFrom,
      damaged: [...this.#damaged],
    };
  }

  /** All that is kept, not only what recovery needs. */
  async #readAll(): Promise<History> {
    const history = new History();
    const numbers = [...this.#segments.map(({ number }) => number), this.#appender.segment];
    for (const segment of numbers) {
      for await (const { record, offset } of readSegment(this.#directory, segment, () => {})) {
        history.note(record, segment, offset);
      }
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

  /** Takes over the segments that are finished. */
  #collect(): void {
    const { reaches, segment } = this.#appender;
    for (const [number, reach] of reaches) {
      if (number >= segment) continue;
      reaches.delete(number);
      this.#segments.push({ number, reach, doneAtMs: undefined });
    }
  }

  #tidySoon(): void {
    const now = Date.now();
    const { event, cut } = this.#released;
    for (const segment of this.#segments) {
      const { reach } = segment;
      if (reach !== undefined && reach.event <= event && reach.cut <= cut) {
        segment.doneAtMs ??= now;
      }
    }
    const needed = this.#segments.find(({ doneAtMs }) => doneAtMs === undefined);
    this.#neededFrom = needed?.number ?? this.#appender.segment;
    this.#tidying ??= this.#tidy(now).catch(this.#owner.onError).finally(() => {
      this.#tidying = undefined;
    });
  }

  /** Removes segments whose time is over, the oldest first. */
  async #tidy(now: number): Promise<void> {
    const { replayMs, retainMs } = this.#config;
    if (retainMs === null) return;
    const keptMs = Math.max(replayMs, retainMs);
    for (const segment of [...this.#segments]) {
      if (segment.doneAtMs === undefined || now - segment.doneAtMs < keptMs) return;
      if (this.#damaged.has(segment.number)) continue;
      await this.#directory.remove(segmentName(segment.number));
      this.#segments = this.#segments.filter(({ number }) => number !== segment.number);
    }
  }
}

/** What a directory held when it was opened. */
interface Found {
  readonly history: History;
  readonly segments: Segment[];
  readonly damaged: Set<number>;
  readonly neededFrom: number;
  /** The newest head that can be read. */
  readonly head: Head | undefined;
}

async function look(directory: Directory, { onError, forgets }: JournalOwner): Promise<Found> {
  const names = await directory.names();
  for (const name of names.filter((name) => !isOwnName(name))) {
    const file = directory.pathOf(name);
    onError(new JournalError(`The file ${file} is not the journal's; it is left alone`, file));
  }
  const numbers = segmentsIn(names);
  const head = await newestHead(directory, numbers);
  if (head !== undefined && head.version > FORMAT_VERSION) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: it has format ${head.version}, and this ` +
        `traqq knows ${FORMAT_VERSION}; use a newer traqq`,
    );
  }
  const damaged = new Set(head?.damaged);
  const neededFrom = head?.neededFrom ?? numbers[0] ?? 1;
  const segments: Segment[] = [];
  const history = new History();
  let expected: number | undefined;
  /** Where the first segment that is read begins. */
  let nextEvent: number | undefined;
  for (const number of numbers) {
    if (number < neededFrom) {
      const doneAtMs = await directory.changedMs(segmentName(number)) ?? Date.now();
      segments.push({ number, reach: undefined, doneAtMs });
      continue;
    }
    if (expected !== undefined && number !== expected) {
      onError(missingSegments(directory, expected, number - 1));
    }
    expected = number + 1;
    const onDamage = (error: JournalError, isTorn: boolean) => {
      if (!isTorn) damaged.add(number);
      onError(error);
    };
    for await (const placed of readSegment(directory, number, onDamage)) {
      if (isForeign(placed, head)) {
        const file = directory.pathOf(segmentName(number));
        onError(
          new JournalError(
            `The segment ${file} is of another journal; it is kept, and not used`,
            file,
          ),
        );
        damaged.add(number);
        break;
      }
      if (placed.record.kind === "head") nextEvent ??= placed.record.head.nextEvent;
      history.note(placed.record, number, placed.offset);
    }
    const reach = { event: history.lastEvent, cut: history.cuts.length };
    segments.push({ number, reach, doneAtMs: undefined });
  }
  // A head says what was needed when its segment began. If storage has got all that was before the
  // first segment that is left, the others were removed since, as they should be.
  const firstRead = segments.find(({ reach }) => reach !== undefined)?.number ?? neededFrom;
  const isInStorage = !forgets && nextEvent !== undefined &&
    (history.confirmed?.covers ?? 0) >= nextEvent - 1;
  if (firstRead > neededFrom && !isInStorage) {
    onError(missingSegments(directory, neededFrom, firstRead - 1));
  }
  for (const { first, last } of history.lost) {
    if (last <= history.covered) continue;
    onError(
      new JournalError(
        `The journal in ${directory.path} has lost events ${first} to ${last}, with what is damaged ` +
          "or missing; counts of that time are too low",
        directory.path,
      ),
    );
  }
  return { history, segments, damaged, neededFrom, head };
}

function missingSegments(directory: Directory, first: number, last: number): JournalError {
  const file = directory.pathOf(segmentName(first));
  const what = first === last
    ? `segment ${file} is`
    : `segments ${file} to ${segmentName(last)} are`;
  return new JournalError(`The journal's ${what} missing; the others are used`, file);
}

function isForeign({ record }: PlacedRecord, newest: Head | undefined): boolean {
  return record.kind === "head" && newest !== undefined &&
    (record.head.writer !== newest.writer || record.head.prefix !== newest.prefix);
}

/** The head of the newest segment that has one. */
async function newestHead(
  directory: Directory,
  numbers: readonly number[],
): Promise<Head | undefined> {
  for (const number of numbers.toReversed()) {
    for await (const { record } of readSegment(directory, number, () => {})) {
      if (record.kind === "head") return record.head;
      break;
    }
  }
  return undefined;
}

/** The writer's id; written down where the directory is new. */
async function identify(
  directory: Directory,
  { prefix, writer }: JournalOwner,
  { head }: Found,
): Promise<string> {
  const known = head ?? await readIdentity(directory);
  if (known !== undefined && known.prefix !== prefix) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: it is that of prefix ${show(known.prefix)}, ` +
        `received ${show(prefix)}; give each prefix a directory of its own`,
    );
  }
  if (known !== undefined && writer !== undefined && known.writer !== writer) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: it is that of writer ${show(known.writer)}, ` +
        `received ${show(writer)}; leave writer out, or give each writer a directory of its own`,
    );
  }
  const id = known?.writer ?? writer ?? crypto.randomUUID();
  await directory.replace(IDENTITY_NAME, [`${JSON.stringify({ writer: id, prefix })}\n`]);
  return id;
}

async function readIdentity(
  directory: Directory,
): Promise<{ writer: string; prefix: string } | undefined> {
  const bytes = await directory.read(IDENTITY_NAME);
  if (bytes === undefined) return undefined;
  try {
    const { writer, prefix } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof writer === "string" && typeof prefix === "string") return { writer, prefix };
  } catch {
    // Said below.
  }
  throw new ConfigError(
    `Cannot open the journal in ${directory.path}: ${
      directory.pathOf(IDENTITY_NAME)
    } is damaged, ` +
      "and no segment says whose journal it is; move the directory away to begin anew",
  );
}

/** Whether storage has a chunk. */
function isIn(stored: Checkpoint | null, { checkpoint }: Chunk): boolean {
  return stored !== null && stored.incarnation === checkpoint.incarnation &&
    stored.flush === checkpoint.flush &&
    (checkpoint.part < stored.part ||
      (checkpoint.part === stored.part && stored.applied === undefined));
}
