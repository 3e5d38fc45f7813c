/**
 * What trails are read from: a file, or columns in memory. Values are numbers into dictionaries.
 *
 * @module
 */
import type { Dictionary } from "./dictionary.ts";

/** Trails with their fields. Can be read by several workers at once. */
export interface TrailSource {
  /** The fields, in the order of the columns. */
  readonly fields: readonly string[];
  /** The values of each field. */
  readonly dictionaries: readonly Dictionary[];
  /** How many trails there are. */
  readonly trailCount: number;
  /** How many events they have together. */
  readonly eventCount: number;
  /** Whether neighbours that are equal count as one, as in the original. */
  readonly mergesEqual: boolean;
  /** The newest time of all events; -Infinity where there are none. */
  readonly newest: number;
  /** What a worker makes the same source from. */
  readonly shared: unknown;
  /** Whose trail it is: 32 hexadecimal digits, or the user. */
  nameOf(trail: number): string;
  /** A reader of its own. */
  reader(options?: ReaderOptions): TrailReader;
}

/** Values by column, a bit for each. The empty one is never among them. */
export type WantedValues = ReadonlyMap<number, Uint32Array>;

/** What need not be read. A reader for which that saves nothing may do more. */
export interface ReaderOptions {
  /** The columns that are looked at; default all. Others may hold anything. */
  readonly columns?: ReadonlySet<number>;
  /** Whether neighbours that are equal in all columns are to be read as one. */
  readonly mergesEqual?: boolean;
  /** A trail that has none of them may be read as one without events. */
  readonly wanted?: WantedValues;
}

/** Reads one trail after the other. */
export interface TrailReader {
  /** Unix seconds. Valid until the next `read`, as the columns are. */
  times: Float64Array;
  /** Numbers of values, by field. */
  columns: readonly Uint32Array[];
  /** Where the trail begins in them. */
  start: number;
  /** Where it ends. */
  end: number;
  /** Whether neighbours that are equal have been read as one. */
  readonly mergesEqual: boolean;
  /** Reads a trail. */
  read(trail: number): void;
}

/** Room for the events of one trail, which grows. */
export class TrailBuffer {
  /** Unix seconds. */
  times: Float64Array;
  /** Numbers of values, by field. */
  columns: Uint32Array[];
  /** How many events fit. */
  capacity: number;

  constructor(fieldCount: number) {
    this.capacity = 256;
    this.times = new Float64Array(this.capacity);
    this.columns = Array.from({ length: fieldCount }, () => new Uint32Array(this.capacity));
  }

  /** Twice the room, or more. What is there stays. */
  grow(least = 0): void {
    this.capacity = Math.max(2 * this.capacity, least);
    const times = new Float64Array(this.capacity);
    times.set(this.times);
    this.times = times;
    this.columns = this.columns.map((old) => {
      const column = new Uint32Array(this.capacity);
      column.set(old);
      return column;
    });
  }
}
