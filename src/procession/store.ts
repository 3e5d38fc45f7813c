/**
 * Takes events, and keeps them within bounds: the oldest chunks go first, and with the last event of a
 * series the series itself.
 *
 * | operation | cost                                                                               |
 * | --------- | ---------------------------------------------------------------------------------- |
 * | `record`  | O(1), nothing is allocated; now and then a chunk grows by doubling, or is sealed   |
 * | memory    | 13 bytes an event in the open chunk, a few in sealed ones                          |
 *
 * @module
 */
import {
  type Chunk,
  MAX_CHUNK_EVENTS,
  MAX_OFFSET_MS,
  MIN_OPEN_EVENTS,
  OPEN_EVENT_BYTES,
  OpenChunk,
  type SealedChunk,
  SLOT_BYTES,
} from "./chunks.ts";
import { type Kind, type Labels, readKey, Series } from "./series.ts";

/** The bounds of a store, and its clock. */
export interface Bounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly now: () => number;
}

/** About what an empty store takes besides its open chunk. */
const STORE_BYTES = 1024;
/** The open chunk gets at most this share of the bound. */
const OPEN_SHARE = 1 / 4;
/** The least bound: an open chunk and a few series fit. */
export const MIN_BYTES = 4096;

/** Events in memory. */
export class Store {
  readonly #bounds: Bounds;
  readonly #now: () => number;
  readonly #maxOpenEvents: number;
  readonly #open = new OpenChunk();
  #sealed: SealedChunk[] = [];
  /** Events in sealed chunks. */
  #sealedEvents = 0;
  #dropped = 0;
  /** What everything takes. */
  #bytes = STORE_BYTES + OPEN_EVENT_BYTES * MIN_OPEN_EVENTS;
  /** The series that have events. */
  readonly #series = new Map<string, Series>();
  /**
   * Series without events, for as long as someone holds a handle of theirs: a gauge that rests for
   * longer than its events are kept must not begin at 0 again.
   */
  readonly #idle = new Map<string, WeakRef<Series>>();
  readonly #forgotten = new FinalizationRegistry<string>((key) => {
    if (this.#idle.get(key)?.deref() === undefined) this.#idle.delete(key);
  });

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#now = bounds.now;
    let events = MIN_OPEN_EVENTS;
    const most = Math.min(MAX_CHUNK_EVENTS, bounds.maxBytes * OPEN_SHARE / OPEN_EVENT_BYTES);
    while (2 * events <= most) events *= 2;
    this.#maxOpenEvents = events;
  }

  /** Events that are held. */
  get eventCount(): number {
    return this.#sealedEvents + this.#open.count;
  }

  /** Series that have events. */
  get seriesCount(): number {
    return this.#series.size;
  }

  /** Events that are not held any more, or could not be. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Bytes that are allocated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The series with events, in the order of their first one. */
  get series(): Iterable<Series> {
    return this.#series.values();
  }

  /** The one series of this kind, name and labels. @throws {TypeError} */
  seriesOf(kind: Kind, name: string, labels?: Labels): Series {
    const read = readKey(kind, name, labels);
    const known = this.#series.get(read.key) ?? this.#idle.get(read.key)?.deref();
    if (known !== undefined) return known;
    const series = new Series(kind, read.name, read.labels, read.key);
    this.#rest(series);
    this.#forgotten.register(series, series.key);
    return series;
  }

  /** Records an event now. */
  record(series: Series, op: number, value: number): void {
    const open = this.#open;
    const now = this.#now();
    const offset = now - open.referenceMs;
    const at = open.count;
    if (
      series.epoch !== open.epoch || at === open.values.length || !(offset >= 0) ||
      !(offset < MAX_OFFSET_MS + 1)
    ) return this.recordAt(series, op, value, now);
    open.times[at] = offset; // whole milliseconds: the rest falls off
    open.slots[at] = series.slot;
    open.ops[at] = op;
    open.values[at] = value;
    open.count = at + 1;
  }

  /**
   * Records an event at a time of its own.
   *
   * @throws {RangeError} if the time is none
   */
  recordAt(series: Series, op: number, value: number, timestampMs: number): void {
    const ms = Math.floor(timestampMs);
    if (!Number.isSafeInteger(ms)) {
      throw new RangeError(
        `Cannot record ${series.kind} ${series.name}: wanted a time in milliseconds since 1970, ` +
          `received ${timestampMs}`,
      );
    }
    const open = this.#open;
    const offset = ms - open.referenceMs;
    if (
      open.count > 0 &&
      (open.count === this.#maxOpenEvents || offset < 0 || offset > MAX_OFFSET_MS)
    ) this.#seal(ms);
    if (!this.#makeRoom(series)) {
      this.#dropped++;
      return;
    }
    // Making room may have sealed the chunk.
    if (open.count === 0) open.referenceMs = ms;
    if (open.count === open.capacity) {
      this.#bytes += OPEN_EVENT_BYTES * open.capacity;
      open.grow(2 * open.capacity);
    }
    if (series.epoch !== open.epoch) {
      this.#hold(series);
      this.#bytes += SLOT_BYTES;
      open.enter(series);
    }
    open.times[open.count] = ms - open.referenceMs;
    open.slots[open.count] = series.slot;
    open.ops[open.count] = op;
    open.values[open.count] = value;
    open.count++;
  }

  /** Drops what is older than the bound. */
  tidy(): void {
    if (this.#bounds.maxAgeMs !== Infinity) this.#dropOld(this.#now());
  }

  /** The chunks as they are now, in the order of recording. */
  chunks(): Chunk[] {
    return this.#open.count === 0 ? [...this.#sealed] : [...this.#sealed, this.#open.copy()];
  }

  /** The same, all of them sealed, which changes nothing in here. */
  sealedChunks(): SealedChunk[] {
    return this.#open.count === 0 ? [...this.#sealed] : [...this.#sealed, this.#open.seal()];
  }

  /** Seals the open chunk, if there is anything in it, and gives all chunks. */
  sealAll(): readonly SealedChunk[] {
    if (this.#open.count > 0) this.#seal(this.#now());
    return [...this.#sealed];
  }

  /**
   * Takes the first events of a chunk out, if it is still there; they are not dropped but gone elsewhere.
   */
  remove(chunk: SealedChunk, first: number): void {
    const at = this.#sealed.indexOf(chunk);
    if (at < 0 || first === 0) return;
    const rest = chunk.without(first);
    // Held before the other lets go, so that no series leaves in between.
    for (const series of rest?.series ?? []) this.#hold(series);
    this.#sealed.splice(at, 1, ...rest === undefined ? [] : [rest]);
    if (rest !== undefined) {
      this.#sealedEvents += rest.count;
      this.#bytes += rest.size;
    }
    this.#forget(chunk);
  }

  /** Puts a chunk behind the others, whose series are those of {@linkcode seriesOf}. */
  restore(chunk: SealedChunk): void {
    for (const series of chunk.series) this.#hold(series);
    this.#add(chunk);
    this.#makeRoom();
  }

  /** Counts events that were dropped before. */
  restoreDropped(count: number): void {
    this.#dropped += count;
  }

  /** Of every series with events: its level now, and how many events it ever had. */
  states(): Map<Series, { level: number; recorded: number }> {
    const states = new Map<Series, { level: number; recorded: number }>();
    for (const series of this.#series.values()) {
      states.set(series, { level: series.level, recorded: series.recorded });
    }
    const levels = this.#open.levels();
    const events = this.#open.advance(levels);
    this.#open.series.forEach((series, slot) => {
      states.set(series, { level: levels[slot], recorded: series.recorded + events[slot] });
    });
    return states;
  }

  #seal(nowMs: number): void {
    const open = this.#open;
    const chunk = open.seal();
    this.#empty(open);
    this.#add(chunk);
    this.#dropOld(nowMs);
    this.#makeRoom();
  }

  #add(chunk: SealedChunk): void {
    this.#sealed.push(chunk);
    this.#sealedEvents += chunk.count;
    this.#bytes += chunk.size;
  }

  /** Makes room for the next event of a series, if that can be. */
  #makeRoom(series?: Series): boolean {
    for (;;) {
      const open = this.#open;
      let more = 0;
      if (series !== undefined) {
        if (series.chunks === 0) more += series.bytes;
        if (series.epoch !== open.epoch) more += SLOT_BYTES;
        if (open.count === open.capacity) more += OPEN_EVENT_BYTES * open.capacity;
      }
      if (this.#bytes + more <= this.#bounds.maxBytes) return true;
      if (this.#sealed.length > 0) this.#dropOldest();
      else if (open.count > 0) this.#drop(open);
      else return false;
    }
  }

  /** Drops the open chunk: the bound has no room for it and the next event. */
  #drop(open: OpenChunk): void {
    const { series } = open;
    this.#dropped += open.count;
    this.#empty(open);
    this.#release(series);
  }

  /** Moves the levels behind the open chunk's events, and empties it. */
  #empty(open: OpenChunk): void {
    const { series } = open;
    const levels = open.levels();
    const events = open.advance(levels);
    for (let slot = 0; slot < series.length; slot++) {
      series[slot].level = levels[slot];
      series[slot].recorded += events[slot];
    }
    this.#bytes -= OPEN_EVENT_BYTES * open.capacity + SLOT_BYTES * series.length;
    open.reset();
    this.#bytes += OPEN_EVENT_BYTES * open.capacity;
  }

  #dropOld(nowMs: number): void {
    const before = nowMs - this.#bounds.maxAgeMs;
    while (this.#sealed.length > 0 && this.#sealed[0].maxMs < before) this.#dropOldest();
    const open = this.#open;
    if (this.#sealed.length > 0 || open.count === 0 || open.referenceMs >= before) return;
    let latest = 0;
    for (let i = 0; i < open.count; i++) latest = Math.max(latest, open.times[i]);
    if (open.referenceMs + latest < before) this.#drop(open);
  }

  #dropOldest(): void {
    const chunk = this.#sealed.shift()!;
    this.#dropped += chunk.count;
    this.#forget(chunk);
  }

  #forget(chunk: SealedChunk): void {
    this.#sealedEvents -= chunk.count;
    this.#bytes -= chunk.size;
    this.#release(chunk.series);
  }

  /** One chunk more has events of it. */
  #hold(series: Series): void {
    if (series.chunks++ > 0) return;
    this.#idle.delete(series.key);
    this.#series.set(series.key, series);
    this.#bytes += series.bytes;
  }

  /** One chunk less has events of these. */
  #release(all: readonly Series[]): void {
    for (const series of all) {
      if (--series.chunks > 0) continue;
      this.#series.delete(series.key);
      this.#bytes -= series.bytes;
      this.#rest(series);
    }
  }

  #rest(series: Series): void {
    this.#idle.set(series.key, new WeakRef(series));
  }
}
