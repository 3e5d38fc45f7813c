/**
 * The results of one row while they grow. Merging is commutative and associative, so neither the
 * order of trails nor the number of workers can be seen in them.
 *
 * @module
 */
import { type Decimal, MICROS_PER_UNIT, microsToNumber, readDecimal } from "../../base/decimal.ts";
import { HyperLogLog } from "../../sketch/hyperloglog.ts";
import type { Program } from "../language/program.ts";
import { sortTexts, tupleText } from "./tuple.ts";
import { OriginalSketch } from "./original_sketch.ts";

/** What numbers come to. */
export interface Numbers {
  count: number;
  /** In millionths, as the next two. */
  sum: bigint;
  min: bigint | undefined;
  max: bigint | undefined;
}

/** A result. */
export type ResultValue =
  /** `$`: a count, or what numbers come to; null: there was no number for min, max and avg. */
  | { readonly kind: "number"; readonly value: number | null }
  /** `#`, in the order of code points. */
  | { readonly kind: "set"; readonly members: readonly string[] }
  /** `&`, in the order of code points. */
  | { readonly kind: "multiset"; readonly counts: ReadonlyMap<string, number> }
  /** `^`; `hex` is the original's text of its registers, where it was asked for. */
  | { readonly kind: "sketch"; readonly sketch: HyperLogLog; readonly hex: string | undefined };

/** Totals as plain data, for another worker. */
export interface TotalsParts {
  readonly counters: readonly number[];
  readonly numbers: readonly (Readonly<Numbers> | undefined)[];
  readonly tuples: readonly (ReadonlyMap<string, number> | undefined)[];
  readonly sketches: readonly (Uint8Array | undefined)[];
  readonly originals: readonly (Uint8Array | undefined)[];
}

const decimal: Decimal = { whole: 0, micros: 0 };

/** Results of one row. */
export class Totals {
  readonly #program: Program;
  readonly #wantsHex: boolean;
  readonly #counters: number[];
  readonly #numbers: (Numbers | undefined)[];
  readonly #tuples: (Map<string, number> | undefined)[];
  readonly #sketches: (HyperLogLog | undefined)[];
  readonly #originals: (OriginalSketch | undefined)[];

  /** @param wantsHex whether sketches are also kept as the original has them */
  constructor(program: Program, wantsHex: boolean) {
    this.#program = program;
    this.#wantsHex = wantsHex;
    const { results } = program;
    this.#counters = results.map(() => 0);
    this.#numbers = results.map(({ fold }) =>
      fold && { count: 0, sum: 0n, min: undefined, max: undefined }
    );
    this.#tuples = results.map(({ sigil }) =>
      sigil === "#" || sigil === "&" ? new Map() : undefined
    );
    this.#sketches = results.map(({ sigil }) => sigil === "^" ? new HyperLogLog() : undefined);
    this.#originals = results.map(({ sigil }) =>
      sigil === "^" && wantsHex ? new OriginalSketch() : undefined
    );
  }

  /** Adds to a counter. */
  count(result: number, times: number): void {
    this.#counters[result] += times;
  }

  /** Adds a number `times` times; text that is no number within ±2^53 is passed over. */
  number(result: number, text: string, times: number): void {
    if (!readDecimal(text, decimal)) return;
    const micros = BigInt(decimal.whole) * MICROS_PER_UNIT + BigInt(decimal.micros);
    this.#addNumbers(result, {
      count: times,
      sum: micros * BigInt(times),
      min: micros,
      max: micros,
    });
  }

  /**
   * Adds a tuple `times` times.
   *
   * @param isCookie whether it is the user's id alone, which the original hashes differently
   */
  tuple(result: number, terms: readonly string[], times: number, isCookie: boolean): void {
    const { compat, results } = this.#program;
    const text = tupleText(terms, results[result].isCompound, compat);
    const counts = this.#tuples[result];
    if (counts !== undefined) counts.set(text, (counts.get(text) ?? 0) + times);
    this.#sketches[result]?.add(text);
    this.#originals[result]?.add(terms, isCookie);
  }

  /** Adds all that another has; it stays as it is. */
  merge(other: Totals): void {
    this.#add(other.toParts());
  }

  /** As plain data, some of it shared with this. */
  toParts(): TotalsParts {
    return {
      counters: this.#counters,
      numbers: this.#numbers,
      tuples: this.#tuples,
      sketches: this.#sketches.map((sketch) => sketch?.toBytes()),
      originals: this.#originals.map((sketch) => sketch?.registers),
    };
  }

  /** What {@linkcode Totals.toParts} gave. */
  static fromParts(program: Program, wantsHex: boolean, parts: TotalsParts): Totals {
    const totals = new Totals(program, wantsHex);
    totals.#add(parts);
    return totals;
  }

  #add({ counters, numbers, tuples, sketches, originals }: TotalsParts): void {
    for (const result of this.#counters.keys()) {
      this.#counters[result] += counters[result];
      if (numbers[result] !== undefined) this.#addNumbers(result, numbers[result]);
      const counts = this.#tuples[result];
      for (const [text, times] of tuples[result] ?? []) {
        counts!.set(text, (counts!.get(text) ?? 0) + times);
      }
      const sketch = sketches[result];
      if (sketch !== undefined) this.#sketches[result]!.merge(HyperLogLog.fromBytes(sketch));
      const original = originals[result];
      if (original !== undefined) this.#originals[result]!.merge(original);
    }
  }

  /** The results, in the order of the program's. */
  values(): ResultValue[] {
    return this.#program.results.map(({ sigil, fold }, i): ResultValue => {
      switch (sigil) {
        case "$":
          return {
            kind: "number",
            value: fold === undefined ? this.#counters[i] : folded(fold, this.#numbers[i]!),
          };
        case "#":
          return { kind: "set", members: sortTexts([...this.#tuples[i]!.keys()]) };
        case "&": {
          const counts = this.#tuples[i]!;
          const sorted = new Map<string, number>();
          for (const text of sortTexts([...counts.keys()])) sorted.set(text, counts.get(text)!);
          return { kind: "multiset", counts: sorted };
        }
        case "^":
          return { kind: "sketch", sketch: this.#sketches[i]!, hex: this.#originals[i]?.toHex() };
      }
    });
  }

  #addNumbers(result: number, { count, sum, min, max }: Numbers): void {
    const own = this.#numbers[result]!;
    own.count += count;
    own.sum += sum;
    if (min !== undefined && (own.min === undefined || min < own.min)) own.min = min;
    if (max !== undefined && (own.max === undefined || max > own.max)) own.max = max;
  }
}

function folded(fold: "min" | "max" | "sum" | "avg", numbers: Numbers): number | null {
  const { count, sum, min, max } = numbers;
  switch (fold) {
    case "sum":
      return microsToNumber(sum);
    case "avg":
      return count === 0 ? null : microsToNumber(sum) / count;
    case "min":
      return min === undefined ? null : microsToNumber(min);
    case "max":
      return max === undefined ? null : microsToNumber(max);
  }
}
