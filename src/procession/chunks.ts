/**
 * Chunks: a reference time, and events that lie up to 65,535 ms behind it. The open one takes events
 * into typed arrays, 13 bytes each; a sealed one holds them as bits and never changes.
 *
 * @module
 */
import { type Columns, decodeChunk, encodeChunk } from "./chunk_codec.ts";
import { OP, type Series } from "./series.ts";

/** Most events of a chunk. */
export const MAX_CHUNK_EVENTS = 65_536;
/** The last millisecond of a chunk. */
export const MAX_OFFSET_MS = 65_535;
/** Bytes of an event in an open chunk: 2 its time, 2 its series, 1 its op, 8 its value. */
export const OPEN_EVENT_BYTES = 13;
/** Events that an open chunk has room for at first. */
export const MIN_OPEN_EVENTS = 64;
/** What a chunk's entry for a series takes: a pointer, and in the open chunk a level. */
export const SLOT_BYTES = 16;
/** About what the object and its arrays' heads take. */
const CHUNK_BYTES = 400;

/** A chunk as a reader sees it. */
export interface Chunk {
  readonly referenceMs: number;
  readonly count: number;
  /** The series in it, by slot. */
  readonly series: readonly Series[];
  /** The earliest and the latest event; a clock may have jumped in between. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Its events. @param wanted which slots' values are needed; absent: all */
  columns(wanted?: Uint8Array): Columns;
}

/** The chunk that is being recorded into. */
export class OpenChunk {
  referenceMs = 0;
  count = 0;
  /** Tells this chunk from those before it, so that a series knows whether it has a slot. */
  epoch = 1;
  series: Series[] = [];
  times: Uint16Array;
  slots: Uint16Array;
  ops: Uint8Array;
  values: Float64Array;

  constructor(capacity = MIN_OPEN_EVENTS) {
    this.times = new Uint16Array(capacity);
    this.slots = new Uint16Array(capacity);
    this.ops = new Uint8Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** Events that it has room for. */
  get capacity(): number {
    return this.values.length;
  }

  /** Gives a series its slot. */
  enter(series: Series): void {
    series.epoch = this.epoch;
    series.slot = this.series.length;
    this.series.push(series);
  }

  /** Makes room for more events. */
  grow(capacity: number): void {
    this.times = moved(this.times, new Uint16Array(capacity));
    this.slots = moved(this.slots, new Uint16Array(capacity));
    this.ops = moved(this.ops, new Uint8Array(capacity));
    this.values = moved(this.values, new Float64Array(capacity));
  }

  /** Begins anew, with room for about as many events as there were. */
  reset(): void {
    const capacity = capacityFor(this.count);
    this.count = 0;
    this.series = [];
    this.epoch++;
    if (capacity === this.capacity) return;
    this.times = new Uint16Array(capacity);
    this.slots = new Uint16Array(capacity);
    this.ops = new Uint8Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** What is in it now, as views of its arrays. */
  view(): Columns {
    return {
      times: this.times.subarray(0, this.count),
      slots: this.slots.subarray(0, this.count),
      ops: this.ops.subarray(0, this.count),
      values: this.values.subarray(0, this.count),
      // The sum of a histogram is in no question about a window.
      levels: this.levels().map((level, slot) =>
        this.series[slot].kind === "histogram" ? 0 : level
      ),
    };
  }

  /** The level of each slot's series before the first event. */
  levels(): Float64Array {
    return Float64Array.from(this.series, ({ level }) => level);
  }

  /** Moves levels behind the last event; gives how many events each slot has. */
  advance(levels: Float64Array): Uint32Array {
    const { slots, ops, values, count } = this;
    const events = new Uint32Array(levels.length);
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      levels[slot] = apply(levels[slot], ops[i], values[i]);
      events[slot]++;
    }
    return events;
  }

  /** What is in it now; what is recorded later does not change it. */
  copy(): Chunk {
    const { times, slots, ops, values, levels } = this.view();
    const columns = {
      times: times.slice(),
      slots: slots.slice(),
      ops: ops.slice(),
      values: values.slice(),
      levels,
    };
    const { referenceMs, count } = this;
    const [min, max] = extent(times, count);
    return {
      referenceMs,
      count,
      series: this.series.slice(),
      minMs: referenceMs + min,
      maxMs: referenceMs + max,
      columns: () => columns,
    };
  }

  /** The chunk as bits. */
  seal(): SealedChunk {
    const { referenceMs, count } = this;
    const [min, max] = extent(this.times, count);
    const bytes = encodeChunk(this.view(), count);
    return new SealedChunk({
      referenceMs,
      count,
      series: this.series,
      bytes,
      minMs: referenceMs + min,
      maxMs: referenceMs + max,
    });
  }
}

/** A chunk that takes no more events. */
export class SealedChunk implements Chunk {
  readonly referenceMs: number;
  readonly count: number;
  readonly series: readonly Series[];
  readonly minMs: number;
  readonly maxMs: number;
  /** Its events as {@linkcode encodeChunk} writes them. */
  readonly bytes: Uint8Array;

  constructor(parts: Omit<SealedChunk, "size" | "columns" | "without">) {
    this.referenceMs = parts.referenceMs;
    this.count = parts.count;
    this.series = parts.series;
    this.minMs = parts.minMs;
    this.maxMs = parts.maxMs;
    this.bytes = parts.bytes;
  }

  /**
   * From bytes that may be damaged.
   *
   * @throws {RangeError} if they are
   */
  static from(
    referenceMs: number,
    count: number,
    series: readonly Series[],
    bytes: Uint8Array,
  ): SealedChunk {
    const { times } = decodeChunk(bytes, count, series.length);
    const [min, max] = extent(times, count);
    const [minMs, maxMs] = [referenceMs + min, referenceMs + max];
    return new SealedChunk({ referenceMs, count, series, bytes, minMs, maxMs });
  }

  /** Bytes in memory. */
  get size(): number {
    return CHUNK_BYTES + this.bytes.length + SLOT_BYTES * this.series.length;
  }

  /** Its events. */
  columns(wanted?: Uint8Array): Columns {
    return decodeChunk(this.bytes, this.count, this.series.length, wanted);
  }

  /** What it is without its first events; undefined if nothing is left. */
  without(first: number): SealedChunk | undefined {
    if (first >= this.count) return undefined;
    const { times, slots, ops, values, levels } = this.columns();
    for (let i = 0; i < first; i++) {
      const slot = slots[i];
      levels[slot] = apply(levels[slot], ops[i], values[i]);
    }
    const kept = new Map<number, number>();
    const left = slots.slice(first).map((slot) => {
      if (!kept.has(slot)) kept.set(slot, kept.size);
      return kept.get(slot)!;
    });
    const old = [...kept.keys()];
    const columns = {
      times: times.slice(first),
      slots: left,
      ops: ops.slice(first),
      values: values.slice(first),
      levels: Float64Array.from(old, (slot) => levels[slot]),
    };
    const count = this.count - first;
    const series = old.map((slot) => this.series[slot]);
    return SealedChunk.from(this.referenceMs, count, series, encodeChunk(columns, count));
  }
}

/** The level after an event: what a counter has counted, what a gauge shows, the sum of a histogram. */
export function apply(level: number, op: number, value: number): number {
  return op === OP.add ? level + value : op === OP.sub ? level - value : value;
}

/** How much room an open chunk with so many events has: a power of two. */
export function capacityFor(count: number): number {
  let capacity = MIN_OPEN_EVENTS;
  while (capacity < count) capacity *= 2;
  return capacity;
}

function moved<T extends Uint8Array | Uint16Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The smallest and the largest of the first `count`. */
function extent(times: Uint16Array, count: number): [min: number, max: number] {
  let min = MAX_OFFSET_MS;
  let max = 0;
  for (let i = 0; i < count; i++) {
    const time = times[i];
    if (time < min) min = time;
    if (time > max) max = time;
  }
  return [min, max];
}
