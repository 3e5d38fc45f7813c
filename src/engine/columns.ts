/**
 * What the metrics of one pattern have counted, a column each: no object per cell.
 *
 * @module
 */
import { type Decimal, MICROS_PER_UNIT } from "../base/decimal.ts";
import { grown, PairTable } from "./pair_table.ts";

const MIN_CELLS = 8;

/** Cells by bucket and node: how often each was seen, and any number of sums. */
export class Columns {
  /** The cells: pairs of bucket and node. */
  readonly cells: PairTable = new PairTable();
  /** One per property that is summed by this pattern. */
  readonly sums: readonly SumColumn[];
  #counts: Float64Array = new Float64Array(MIN_CELLS);

  /** @param sums how many properties are summed */
  constructor(sums: number) {
    this.sums = Array.from({ length: sums }, () => new SumColumn());
  }

  /** How often the cell was seen. */
  count(cell: number): number {
    return this.#counts[cell];
  }

  /** Sees a cell once more; gives its index, which is the former size where it is new. */
  increment(bucket: number, node: number): number {
    let cell = this.cells.find(bucket, node);
    if (cell < 0) {
      cell = this.cells.insert(bucket, node);
      if (cell === this.#counts.length) {
        this.#counts = grown(this.#counts);
        for (const sum of this.sums) sum.grow();
      }
    }
    this.#counts[cell]++;
    return cell;
  }
}

/** Numbers per sum: whole units, millionths, and how many values were added. */
const WIDTH = 3;

/** Decimal sums, exact: whole units and millionths apart, as both stay small. */
export class SumColumn {
  #numbers: Float64Array = new Float64Array(MIN_CELLS * WIDTH);
  /** Whole units that no longer fitted beside the others. */
  readonly #carried: Map<number, bigint> = new Map();

  /** How many values were added to the cell. */
  count(cell: number): number {
    return this.#numbers[cell * WIDTH + 2];
  }

  /** Adds a value to the cell. */
  add(cell: number, value: Decimal): void {
    const numbers = this.#numbers;
    const at = cell * WIDTH;
    const whole = numbers[at] + value.whole;
    if (whole > Number.MAX_SAFE_INTEGER || whole < -Number.MAX_SAFE_INTEGER) {
      this.#carried.set(cell, (this.#carried.get(cell) ?? 0n) + BigInt(numbers[at]));
      numbers[at] = value.whole;
    } else {
      numbers[at] = whole;
    }
    numbers[at + 1] += value.micros;
    numbers[at + 2]++;
  }

  /** The sum of the cell, in millionths. */
  total(cell: number): bigint {
    const whole = BigInt(this.#numbers[cell * WIDTH]) + (this.#carried.get(cell) ?? 0n);
    return whole * MICROS_PER_UNIT + BigInt(this.#numbers[cell * WIDTH + 1]);
  }

  /** Makes room for twice as many cells. */
  grow(): void {
    this.#numbers = grown(this.#numbers);
  }
}
