/**
 * How often something took how long, in a few fixed buckets: what is asked of a histogram by Prometheus,
 * and little enough to be kept always.
 *
 * @module
 */

/** What a {@linkcode Histogram} has seen. */
export interface HistogramStats {
  /** How many there were. */
  readonly count: number;
  /** Milliseconds of all together. */
  readonly sumMs: number;
  /** How many took at most so many milliseconds, by that bound, each with those of the lower bounds. */
  readonly atMostMs: Readonly<Record<string, number>>;
}

/** Bounds for what takes from under a millisecond to tens of seconds. */
const BOUNDS_MS: readonly number[] = [
  ...[1, 2.5, 5, 10, 25, 50],
  ...[100, 250, 500, 1000, 2500, 5000, 10_000, 30_000],
];

/** Counts durations. `add` costs O(number of bounds), which are 14. */
export class Histogram {
  readonly #counts: number[] = BOUNDS_MS.map(() => 0);
  #count = 0;
  #sumMs = 0;

  /** Counts one. */
  add(milliseconds: number): void {
    this.#count++;
    this.#sumMs += milliseconds;
    const at = BOUNDS_MS.findIndex((bound) => milliseconds <= bound);
    if (at >= 0) this.#counts[at]++;
  }

  /** A copy of what was counted. */
  stats(): HistogramStats {
    let below = 0;
    const atMostMs = Object.fromEntries(
      BOUNDS_MS.map((bound, i) => [String(bound), below += this.#counts[i]]),
    );
    return { count: this.#count, sumMs: this.#sumMs, atMostMs };
  }
}
