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

/** Decimal sums, exact: whole units and millionths apart, as both stay small. */
export class SumColumn {
  #whole: Float64Array = new Float64Array(MIN_CELLS);
  #micros: Float64Array = new Float64Array(MIN_CELLS);
  #counts: Float64Array = new Float64Array(MIN_CELLS);
  /** Whole units that no longer fitted beside the others. */
  readonly #carried: Map<number, bigint> = new Map();

  /** How many values were added to the cell. */
  count(cell: number): number {
    return this.#counts[cell];
  }

  /** Adds a value to the cell. */
  add(cell: number, value: Decimal): void {
    const whole = this.#whole[cell] + value.whole;
    if (whole > Number.MAX_SAFE_INTEGER || whole < -Number.MAX_SAFE_INTEGER) {
      this.#carried.set(cell, (this.#carried.get(cell) ?? 0n) + BigInt(this.#whole[cell]));
      this.#whole[cell] = value.whole;
    } else {
      this.#whole[cell] = whole;
    }
    this.#micros[cell] += value.micros;
    this.#counts[cell]++;
  }

  /** The sum of the cell, in millionths. */
  total(cell: number): bigint {
    const whole = BigInt(this.#whole[cell]) + (this.#carried.get(cell) ?? 0n);
    return whole * MICROS_PER_UNIT + BigInt(this.#micros[cell]);
  }

  /** Makes room for twice as many cells. */
  grow(): void {
    this.#whole = grown(this.#whole);
    this.#micros = grown(this.#micros);
    this.#counts = grown(this.#counts);
  }
}
