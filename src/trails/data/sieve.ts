/**
 * Which events of a trail a machine sees: within bounds, past a filter, and without neighbours that
 * are equal where the source says so.
 *
 * @module
 */
import { type ReaderOptions, TrailBuffer, type TrailReader, type TrailSource } from "./source.ts";

/** One of these must hold in every clause of a filter. */
export interface FilterTerm {
  /** The column; -1: a field that is not there, whose value is empty. */
  readonly column: number;
  /** The number of the value; -1: no event has it. */
  readonly id: number;
  readonly isNegated: boolean;
}

/** All clauses must hold, and of each one term. Undefined: every event passes. */
export type CompiledFilter = readonly (readonly FilterTerm[])[] | undefined;

/** Reads a trail and keeps what passes. */
export class Sieve {
  readonly #reader: TrailReader;
  readonly #filter: CompiledFilter;
  readonly #mergesEqual: boolean;
  readonly #buffer: TrailBuffer;
  /** Unix seconds. */
  times: Float64Array;
  /** Numbers of values, by field. */
  columns: readonly Uint32Array[];
  /** Where the trail begins in them. */
  start = 0;
  /** Where it ends. */
  end = 0;

  /**
   * @param mergesEqual whether neighbours that are equal count as one
   * @param options what need not be read
   */
  constructor(
    source: TrailSource,
    filter: CompiledFilter,
    mergesEqual: boolean,
    { columns, wanted }: Omit<ReaderOptions, "mergesEqual"> = {},
  ) {
    // Neighbours are looked at behind the filter, in all columns.
    this.#reader = filter === undefined
      ? source.reader({ columns, mergesEqual, wanted })
      : source.reader({ wanted });
    this.#filter = filter;
    this.#mergesEqual = mergesEqual && !this.#reader.mergesEqual;
    this.#buffer = new TrailBuffer(source.fields.length);
    this.times = this.#reader.times;
    this.columns = this.#reader.columns;
  }

  /** Reads a trail; events from `from` and before `until`. */
  read(trail: number, from = -Infinity, until = Infinity): void {
    const reader = this.#reader;
    reader.read(trail);
    ({ times: this.times, columns: this.columns, start: this.start, end: this.end } = reader);
    while (this.start < this.end && this.times[this.start] < from) this.start++;
    while (this.end > this.start && this.times[this.end - 1] >= until) this.end--;
    if (this.#filter === undefined && !(this.#mergesEqual && this.#hasEqual())) return;
    this.#keep();
  }

  #hasEqual(): boolean {
    for (let i = this.start + 1; i < this.end; i++) if (this.#isRepeated(i, i - 1)) return true;
    return false;
  }

  /** Copies what passes; the reader's own columns may be shared. */
  #keep(): void {
    const buffer = this.#buffer;
    if (buffer.capacity < this.end - this.start) buffer.grow(this.end - this.start);
    let kept = 0;
    let last = -1;
    for (let i = this.start; i < this.end; i++) {
      if (!this.#passes(i)) continue;
      if (this.#mergesEqual && last >= 0 && this.#isRepeated(i, last)) continue;
      buffer.times[kept] = this.times[i];
      for (const [at, column] of this.columns.entries()) buffer.columns[at][kept] = column[i];
      kept++;
      last = i;
    }
    ({ times: this.times, columns: this.columns } = buffer);
    this.start = 0;
    this.end = kept;
  }

  #isRepeated(i: number, last: number): boolean {
    if (this.times[i] !== this.times[last]) return false;
    for (const column of this.columns) if (column[i] !== column[last]) return false;
    return true;
  }

  #passes(i: number): boolean {
    return this.#filter === undefined ||
      this.#filter.every((clause) =>
        clause.some(({ column, id, isNegated }) =>
          ((column < 0 ? 0 : this.columns[column][i]) === id) !== isNegated
        )
      );
  }
}
