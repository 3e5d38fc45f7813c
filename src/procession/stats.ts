/**
 * What a window of a series comes to: sums, extremes, quantiles; and the same step by step.
 *
 * What is summed up is, of a counter's event, by how much it rose; of a gauge's, what it stood at
 * afterwards; of a histogram's, its value.
 *
 * @module
 */
import { QuantileSketch } from "../sketch/quantiles.ts";
import { apply, type Chunk } from "./chunks.ts";
import { find, type ReadFilter } from "./events.ts";
import { type Kind, type Labels, OP, type Series } from "./series.ts";

/** What the events of a series in a window come to. NaN is counted, and has no part in the rest. */
export interface WindowStats {
  /** Events. */
  readonly count: number;
  /** The sum: by how much a counter rose, of a histogram the sum of its values. */
  readonly sum: number;
  /** Per second: by how much a counter rose, of others how many events. Undefined in no time. */
  readonly rate: number | undefined;
  /** The least. */
  readonly min: number | undefined;
  /** The greatest. */
  readonly max: number | undefined;
  /** The sum by their number. */
  readonly mean: number | undefined;
  /** After the last event: what the counter or gauge stands at; of a histogram its last value. */
  readonly latest: number;
}

/** A series in a window. Quantiles are within 1 %. */
export interface SeriesSummary extends WindowStats {
  /** What it is a series of. */
  readonly kind: Kind;
  /** Its name. */
  readonly name: string;
  /** Its labels, sorted by name. */
  readonly labels: Labels;
  /** The median. */
  readonly p50: number | undefined;
  /** What nine of ten do not pass. */
  readonly p90: number | undefined;
  /** What 95 of 100 do not pass. */
  readonly p95: number | undefined;
  /** What 99 of 100 do not pass. */
  readonly p99: number | undefined;
  /** What 999 of 1000 do not pass. */
  readonly p999: number | undefined;
  /** Any other quantile; to be merged with those of other windows, series and instances. */
  readonly sketch: QuantileSketch;
}

/** A series step by step. */
export interface ResampledSeries {
  /** What it is a series of. */
  readonly kind: Kind;
  /** Its name. */
  readonly name: string;
  /** Its labels, sorted by name. */
  readonly labels: Labels;
  /** How long a step is. */
  readonly stepMs: number;
  /** When the first step begins. */
  readonly startMs: number;
  /** One for each step of the window; null for one without an event. */
  readonly points: readonly (WindowStats | null)[];
}

/** Most steps of a window. */
export const MAX_STEPS = 1_000_000;

/** Adds up the events of a window. */
class Tally {
  count = 0;
  latest = 0;
  #min = Infinity;
  #max = -Infinity;
  #numbers = 0;
  #sum = 0;
  /** What adding has rounded off (Neumaier): ten times 0.1 is 1. */
  #lost = 0;

  add(value: number, latest: number): void {
    this.count++;
    this.latest = latest;
    if (value !== value) return;
    this.#numbers++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value)
      ? (this.#sum - sum) + value
      : (value - sum) + this.#sum;
    this.#sum = sum;
  }

  stats(kind: Kind, seconds: number): WindowStats {
    // Beyond the largest double nothing was rounded off, but all was lost.
    const sum = Number.isFinite(this.#sum) ? this.#sum + this.#lost : this.#sum;
    const any = this.#numbers > 0;
    return {
      count: this.count,
      sum,
      rate: seconds > 0 ? (kind === "counter" ? sum : this.count) / seconds : undefined,
      min: any ? this.#min : undefined,
      max: any ? this.#max : undefined,
      mean: any ? sum / this.#numbers : undefined,
      latest: this.latest,
    };
  }
}

/** Calls `each` for every event that is wanted, in the order of recording. */
function walk(
  chunks: Iterable<Chunk>,
  filter: ReadFilter,
  each: (series: Series, timestampMs: number, value: number, latest: number) => void,
): void {
  for (const { chunk, columns, wanted } of find(chunks, filter)) {
    const levels = columns.levels.slice();
    for (let i = 0; i < chunk.count; i++) {
      const slot = columns.slots[i];
      if (wanted[slot] === 0) continue;
      const op = columns.ops[i];
      const value = columns.values[i];
      const series = chunk.series[slot];
      const before = levels[slot];
      // Also what is before the window moves the level.
      const level = levels[slot] = apply(before, op, value);
      const timestampMs = chunk.referenceMs + columns.times[i];
      if (timestampMs < filter.fromMs || timestampMs > filter.toMs) continue;
      if (series.kind === "histogram") each(series, timestampMs, value, value);
      else if (series.kind === "gauge") each(series, timestampMs, level, level);
      else each(series, timestampMs, risen(before, op, value), level);
    }
  }
}

/** By how much a counter rose; one that is set to less has begun anew. */
function risen(before: number, op: number, value: number): number {
  return op === OP.set && value >= before ? value - before : value;
}

/** The window, with both ends: where the filter has none, the first and the last event. */
export function windowOf(
  chunks: readonly Chunk[],
  filter: ReadFilter,
): { fromMs: number; toMs: number } {
  let first = Infinity;
  let last = -Infinity;
  for (const { minMs, maxMs } of chunks) {
    first = Math.min(first, minMs);
    last = Math.max(last, maxMs);
  }
  return {
    fromMs: filter.fromMs === -Infinity ? first : filter.fromMs,
    toMs: filter.toMs === Infinity ? last : filter.toMs,
  };
}

/** Each series that has events in the window. */
export function summarize(chunks: readonly Chunk[], filter: ReadFilter): SeriesSummary[] {
  const found = new Map<Series, { tally: Tally; sketch: QuantileSketch }>();
  walk(chunks, filter, (series, _, value, latest) => {
    let own = found.get(series);
    if (own === undefined) {
      found.set(series, own = { tally: new Tally(), sketch: new QuantileSketch() });
    }
    own.tally.add(value, latest);
    own.sketch.add(value);
  });
  const { fromMs, toMs } = windowOf(chunks, filter);
  return [...found].map(([{ kind, name, labels }, { tally, sketch }]) => ({
    kind,
    name,
    labels,
    ...tally.stats(kind, (toMs - fromMs) / 1000),
    p50: sketch.quantile(0.5),
    p90: sketch.quantile(0.9),
    p95: sketch.quantile(0.95),
    p99: sketch.quantile(0.99),
    p999: sketch.quantile(0.999),
    sketch,
  }));
}

/**
 * The same step by step. Steps begin at the window's start; where that is not given, at a multiple of
 * the step.
 *
 * @throws {RangeError} if a step is none, or there are too many of them
 */
export function resample(
  chunks: readonly Chunk[],
  filter: ReadFilter,
  stepMs: number,
): ResampledSeries[] {
  if (!(Number.isSafeInteger(stepMs) && stepMs >= 1)) {
    throw new RangeError(
      `Cannot resample: wanted stepMs to be a whole number of milliseconds from 1, received ${stepMs}`,
    );
  }
  if (chunks.length === 0) return [];
  const window = windowOf(chunks, filter);
  const startMs = Math.ceil(
    filter.fromMs === -Infinity ? Math.floor(window.fromMs / stepMs) * stepMs : window.fromMs,
  );
  const steps = Math.max(0, Math.floor((window.toMs - startMs) / stepMs) + 1);
  if (!(steps <= MAX_STEPS)) {
    throw new RangeError(
      `Cannot resample: wanted at most ${MAX_STEPS} steps, received ${steps}; ` +
        "use a longer step, or from and to",
    );
  }
  const found = new Map<Series, (Tally | undefined)[]>();
  walk(chunks, filter, (series, timestampMs, value, latest) => {
    let tallies = found.get(series);
    if (tallies === undefined) found.set(series, tallies = new Array(steps).fill(undefined));
    const step = Math.floor((timestampMs - startMs) / stepMs);
    (tallies[step] ??= new Tally()).add(value, latest);
  });
  return [...found].map(([{ kind, name, labels }, tallies]) => ({
    kind,
    name,
    labels,
    stepMs,
    startMs,
    points: tallies.map((tally) => tally?.stats(kind, stepMs / 1000) ?? null),
  }));
}
