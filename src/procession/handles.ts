/**
 * What a program records through: a name and its labels, resolved once. Recording reads the clock and
 * writes three numbers; it allocates nothing.
 *
 * @module
 */
import { show } from "../base/show.ts";
import { describe, OP, type Series } from "./series.ts";
import type { Store } from "./store.ts";

/** Where a handle records to; undefined where the filter left its series out. */
export interface Target {
  readonly store: Store;
  readonly series: Series;
}

/** Counts what happens. */
export class Counter {
  readonly #target: Target | undefined;

  /** Made by `Procession.counter()`. */
  constructor(target: Target | undefined) {
    this.#target = target;
  }

  /**
   * Adds to it.
   *
   * @param by 0 or more; whole numbers are exact up to 2^53
   * @throws {RangeError} for what a counter cannot count
   */
  increment(by = 1): void {
    const target = this.#target;
    if (!(typeof by === "number" && by >= 0 && by < Infinity)) throw uncountable(target, by);
    // Adding 0 makes 0 of -0.
    target?.store.record(target.series, OP.add, by + 0);
  }

  /**
   * Says what it stands at, where something else counts. A value below the last one means that what
   * counts has begun anew.
   *
   * @throws {RangeError} for what a counter cannot count
   */
  absolute(value: number): void {
    const target = this.#target;
    if (!(typeof value === "number" && value >= 0 && value < Infinity)) {
      throw uncountable(target, value);
    }
    target?.store.record(target.series, OP.set, value + 0);
  }
}

/** Shows how much there is of something, up and down. */
export class Gauge {
  readonly #target: Target | undefined;

  /** Made by `Procession.gauge()`. */
  constructor(target: Target | undefined) {
    this.#target = target;
  }

  /** Says what it stands at. @throws {TypeError} if it is no number */
  set(value: number): void {
    record(this.#target, OP.set, value);
  }

  /** Raises it. @throws {TypeError} if it is no number */
  increment(by = 1): void {
    record(this.#target, OP.add, by);
  }

  /** Lowers it. @throws {TypeError} if it is no number */
  decrement(by = 1): void {
    record(this.#target, OP.sub, by);
  }
}

/** Takes values whose distribution is wanted: latencies, sizes. */
export class Histogram {
  readonly #target: Target | undefined;

  /** Made by `Procession.histogram()`. */
  constructor(target: Target | undefined) {
    this.#target = target;
  }

  /** Takes a value. @throws {TypeError} if it is no number */
  record(value: number): void {
    record(this.#target, OP.add, value);
  }
}

function record(target: Target | undefined, op: number, value: number): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot record ${nameOf(target)}: wanted a number, received ${show(value)}`,
    );
  }
  target?.store.record(target.series, op, value);
}

function uncountable(target: Target | undefined, value: unknown): RangeError {
  return new RangeError(
    `Cannot record ${nameOf(target)}: wanted a number from 0, received ${show(value)}; ` +
      "use a gauge for what goes down",
  );
}

function nameOf(target: Target | undefined): string {
  return target === undefined ? "an event" : describe(target.series);
}
