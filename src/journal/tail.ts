/**
 * Reading a journal from outside, while a process may have it open: every event that is kept, once, in
 * order, and then those that come.
 *
 * Nothing is locked and nothing written. The writer only appends, begins the next segment when it is
 * done with one, and removes old ones; after a failed write it cuts a segment back and writes the same
 * records into the next. Events are numbered, so whatever is seen twice is given once. The end of the
 * newest segment may be half a record that is just being written: it is read again the next time.
 *
 * @module
 */
import { ConfigError, JournalError, messageOf } from "../base/errors.ts";
import { Directory } from "./directory.ts";
import { findFrames, FRAME_BYTES } from "./frame.ts";
import { segmentName } from "./names.ts";
import { type Identity, readIdentity } from "./opening.ts";
import { type EventsRecord, type Head, readRecord } from "./records.ts";
import { damageText, refuseNewer, segmentsIn } from "./segments.ts";

/** An event of a journal. */
export interface TailedEvent {
  readonly number: number;
  /** When it was received, unix milliseconds. */
  readonly receivedMs: number;
  /** The second it was counted at. */
  readonly seconds: number;
  /** See `readEventText`. */
  readonly text: string;
}

/** What a tail works with. */
export interface TailOptions {
  /** The journal's directory. */
  readonly directory: string;
  /** Number of the last event that is known already. Default 0: from the first that is kept. */
  readonly after?: number;
  /** Told of each stretch that holds no record, and of events that are missing. */
  readonly onDamage: (error: JournalError) => void;
}

/** How far a segment was read. */
interface Place {
  readonly segment: number;
  /** The first byte that is not read. */
  offset: number;
  /** Where the last record begins, and its frame: should it change, the file is another one. */
  mark: { readonly offset: number; readonly frame: Uint8Array } | undefined;
  /** It is the segment of another journal. */
  isForeign: boolean;
}

/** See the top of this file. */
export class JournalTail {
  readonly #directory: Directory;
  readonly #onDamage: (error: JournalError) => void;
  #place: Place = placeIn(0);
  /** Number of the last event that was given. */
  #last: number;
  /** Whose journal it is. */
  #owner: Identity | undefined;
  #incarnation: string | undefined;
  /** What was told of already, as segment and offset. */
  readonly #told = new Set<string>();
  /** Length of the newest segment when it ended in something that is no record. */
  #loose: number | undefined;
  /** There was damage, and no event behind it yet. */
  #isSuspect = false;
  #isIncomplete = false;

  constructor({ directory, after = 0, onDamage }: TailOptions) {
    this.#directory = new Directory(directory);
    this.#onDamage = onDamage;
    this.#last = after;
  }

  /** Number of the last event that was given. */
  get lastEvent(): number {
    return this.#last;
  }

  /** Whether events between those that were given, or behind them, are missing or may be. */
  get isIncomplete(): boolean {
    return this.#isIncomplete || this.#isSuspect;
  }

  /** Whether the newest segment ended in half a record: after a moment it should be read again. */
  get isLoose(): boolean {
    return this.#loose !== undefined;
  }

  /**
   * The events that are there and were not given yet, those of a record together. What comes into a
   * segment that is begun meanwhile is for the next call.
   *
   * @throws {ConfigError} if a newer traqq has written it
   * @throws {JournalError} if there is no journal, or another one took its place
   */
  async *read(): AsyncGenerator<TailedEvent[]> {
    // Before anything is read: a segment that is followed by another is written to its end.
    const all = segmentsIn(await this.#names());
    const segments = all.filter((segment) => segment >= this.#place.segment);
    if (segments.length === 0) throw this.#gone(all);
    this.#owner ??= await this.#readOwner();
    for (const [i, segment] of segments.entries()) {
      if (segment !== this.#place.segment) this.#place = placeIn(segment);
      yield* this.#readSegment(i === segments.length - 1);
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await this.#directory.names();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return [];
      }
      throw error;
    }
  }

  #gone(segments: readonly number[]): JournalError {
    const { path } = this.#directory;
    return new JournalError(
      this.#place.segment === 0
        ? `Cannot read a journal in ${path}: there is none`
        : segments.length === 0
        ? `Cannot go on with the journal in ${path}: it was removed`
        : `Cannot go on with the journal in ${path}: another one took its place`,
      path,
    );
  }

  async *#readSegment(isNewest: boolean): AsyncGenerator<TailedEvent[]> {
    const place = this.#place;
    const read = await this.#readOn();
    if (read === undefined || place.isForeign) return;
    const { bytes, base } = read;
    const length = base + bytes.length;
    for (const found of findFrames(bytes)) {
      const offset = base + found.offset;
      if (found.kind === "damage") {
        if (isNewest && offset + found.bytes === length) {
          // Unless it is the same after a while, somebody is writing it.
          if (this.#loose === length) this.#damaged(offset, found.bytes, found.isTorn);
          this.#loose = length;
          return;
        }
        this.#damaged(offset, found.bytes, found.isTorn);
        place.offset = offset + found.bytes;
        continue;
      }
      const events = this.#take(found.payload, offset);
      place.offset = offset + FRAME_BYTES + found.payload.length;
      place.mark = {
        offset,
        frame: bytes.slice(found.offset, found.offset + FRAME_BYTES),
      };
      if (events.length > 0) yield events;
      if (place.isForeign) return;
    }
    if (isNewest) this.#loose = undefined;
  }

  /** What the segment has behind the place; all of it if it is not the file that it was. */
  async #readOn(): Promise<{ bytes: Uint8Array; base: number } | undefined> {
    const place = this.#place;
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#directory.pathOf(segmentName(place.segment)));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined; // its time was over
      throw error;
    }
    using _ = file;
    const { mark } = place;
    if (mark !== undefined) {
      const frame = await readFrom(file, mark.offset, FRAME_BYTES);
      const isSame = frame.length === FRAME_BYTES && frame.every((b, i) => b === mark.frame[i]);
      // Cut back after a failed write, and perhaps begun anew.
      if (!isSame) {
        place.offset = 0;
        place.mark = undefined;
      }
    }
    return { bytes: await readFrom(file, place.offset), base: place.offset };
  }

  /** The events of a record that were not given yet. */
  #take(payload: Uint8Array, offset: number): TailedEvent[] {
    try {
      const record = readRecord(payload);
      if (record.kind === "head") this.#takeHead(record.head);
      return record.kind === "events" ? this.#takeEvents(record, offset) : [];
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      this.#isSuspect = true;
      this.#tell(offset, `has a record at byte ${offset} that cannot be read: ${messageOf(cause)}`);
      return [];
    }
  }

  #takeHead({ version, writer, prefix, incarnation }: Head): void {
    refuseNewer("read", this.#directory, { version });
    this.#owner ??= { writer, prefix };
    if (writer !== this.#owner.writer || prefix !== this.#owner.prefix) {
      this.#place.isForeign = true;
      this.#tell(0, "is of another journal; it is left out");
      return;
    }
    // The next process goes on behind the last event that it can read: no gap would tell.
    if (this.#isSuspect && incarnation !== this.#incarnation) this.#isIncomplete = true;
    this.#incarnation = incarnation;
  }

  #takeEvents(record: EventsRecord, offset: number): TailedEvent[] {
    const { first, count, receivedMs } = record;
    if (first + count - 1 <= this.#last) return [];
    const events = record.events().map(({ seconds, text }, i) => ({
      number: first + i,
      receivedMs,
      seconds,
      text,
    }));
    if (this.#last === 0) {
      // Older ones may have gone because their time was over.
      if (this.#isSuspect && first > 1) this.#isIncomplete = true;
    } else if (first > this.#last + 1) {
      this.#isIncomplete = true;
      this.#tell(
        offset,
        `goes on with event ${first} at byte ${offset}: events ${this.#last + 1} to ${
          first - 1
        } are missing, damaged or removed because their time was over`,
      );
    }
    this.#isSuspect = false;
    const fresh = events.filter(({ number }) => number > this.#last);
    this.#last = first + count - 1;
    return fresh;
  }

  #damaged(offset: number, bytes: number, isTorn: boolean): void {
    if (!isTorn) this.#isSuspect = true;
    this.#tell(offset, damageText(offset, bytes, isTorn));
  }

  /** Tells of something, once. */
  #tell(offset: number, what: string): void {
    const key = `${this.#place.segment} ${offset}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const file = this.#directory.pathOf(segmentName(this.#place.segment));
    this.#onDamage(new JournalError(`The journal's segment ${file} ${what}`, file, offset));
  }

  /** Who the directory says that it belongs to. */
  async #readOwner(): Promise<Identity | undefined> {
    try {
      return (await readIdentity(this.#directory)).known;
    } catch {
      return undefined; // then the first segment says it
    }
  }
}

function placeIn(segment: number): Place {
  return { segment, offset: 0, mark: undefined, isForeign: false };
}

/** The bytes of a file from an offset, to its end or `most` of them. */
async function readFrom(file: Deno.FsFile, offset: number, most = Infinity): Promise<Uint8Array> {
  const { size } = await file.stat();
  const bytes = new Uint8Array(Math.max(0, Math.min(size - offset, most)));
  await file.seek(offset, Deno.SeekMode.Start);
  let at = 0;
  while (at < bytes.length) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes.subarray(0, at);
}
