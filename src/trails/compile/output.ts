/**
 * Where the machines of one round put what they yield: numbers of values are counted as numbers and
 * become text when all is done.
 *
 * @module
 */
import type { Dictionary } from "../data/dictionary.ts";
import { Totals, type TotalsParts } from "../run/totals.ts";
import type { Program } from "../language/program.ts";
import type { Plan } from "./plan.ts";

/** Up to so many bytes there is a counter for each key, where there is one round. */
const MAX_DENSE_BYTES = 1 << 25;

/** Values that become text together. */
const BLOCK = 256;
/** Of dictionaries of up to so many values, all that became text are kept, else the last block. */
const MAX_KEPT = 1 << 22;

/** By key how often it was yielded; where only whether counts, 1 in a byte. */
type Counts = Float64Array | Uint8Array;

/** What a worker sends. */
export interface OutputParts {
  readonly counters: Float64Array;
  readonly dense: readonly (Counts | undefined)[];
  readonly sparse: readonly (ReadonlyMap<number, number> | undefined)[];
  readonly totals: TotalsParts | undefined;
}

/** What machines yield in one round. */
export class Output {
  /** By result. */
  readonly counters: Float64Array;
  /** By shape, then by key. */
  readonly dense: readonly (Counts | undefined)[];
  /** By shape, where there is no dense one. */
  readonly sparse: readonly (Map<number, number> | undefined)[];
  readonly #program: Program;
  readonly #plan: Plan;
  readonly #wantsHex: boolean;
  /** For what is yielded as text. */
  #totals: Totals | undefined;

  constructor(program: Program, plan: Plan, wantsHex: boolean) {
    this.#program = program;
    this.#plan = plan;
    this.#wantsHex = wantsHex;
    this.counters = new Float64Array(plan.resultCount);
    this.dense = plan.shapes.map(({ keyed, isCounted }) => {
      if (keyed === undefined || plan.roundCount !== 1) return undefined;
      const { size } = keyed;
      if (size * (isCounted ? 8 : 1) > MAX_DENSE_BYTES) return undefined;
      return isCounted ? new Float64Array(size) : new Uint8Array(size);
    });
    this.sparse = plan.shapes.map(({ keyed }, i) =>
      keyed !== undefined && this.dense[i] === undefined ? new Map() : undefined
    );
  }

  /** Counts a tuple by its key. */
  key(shape: number, key: number, times = 1): void {
    const dense = this.dense[shape];
    if (dense !== undefined) {
      if (this.#plan.shapes[shape].isCounted) dense[key] += times;
      else dense[key] = 1;
      return;
    }
    const sparse = this.sparse[shape]!;
    sparse.set(key, (sparse.get(key) ?? 0) + times);
  }

  /** Counts a tuple by its terms. */
  text(shape: number, terms: readonly string[]): void {
    addTo(this.#ownTotals(), this.#plan, shape, terms, 1);
  }

  /** What a worker sends. */
  toParts(): OutputParts {
    const { counters, dense, sparse } = this;
    return { counters, dense, sparse, totals: this.#totals?.toParts() };
  }

  /** Adds what another worker sent. */
  merge({ counters, dense, sparse, totals }: OutputParts): void {
    for (const [i, count] of counters.entries()) this.counters[i] += count;
    for (const [shape, counts] of dense.entries()) {
      for (let key = 0; key < (counts?.length ?? 0); key++) {
        if (counts![key] > 0) this.key(shape, key, counts![key]);
      }
    }
    for (const [shape, counts] of sparse.entries()) {
      for (const [key, times] of counts ?? []) this.key(shape, key, times);
    }
    if (totals !== undefined) {
      this.#ownTotals().merge(Totals.fromParts(this.#program, this.#wantsHex, totals));
    }
  }

  /** Adds everything to totals, as text. */
  addTo(totals: Totals, dictionaries: readonly Dictionary[]): void {
    for (const [result, count] of this.counters.entries()) totals.count(result, count);
    if (this.#totals !== undefined) totals.merge(this.#totals);
    const textOf = textsOf(dictionaries);
    for (const [shape, { keyed }] of this.#plan.shapes.entries()) {
      if (keyed === undefined) continue;
      const add = (key: number, times: number): void => {
        const terms = keyed.columns.map((column, i) => {
          const { size } = dictionaries[column];
          return textOf(column, Math.floor(key / keyed.strides[i]) % size);
        });
        addTo(totals, this.#plan, shape, terms, times);
      };
      for (const [key, times] of this.sparse[shape] ?? []) add(key, times);
      const dense = this.dense[shape];
      for (let key = 0; key < (dense?.length ?? 0); key++) {
        if (dense![key] > 0) add(key, dense![key]);
      }
    }
  }

  #ownTotals(): Totals {
    return this.#totals ??= new Totals(this.#program, this.#wantsHex);
  }
}

function addTo(
  totals: Totals,
  { shapes }: Plan,
  shape: number,
  terms: readonly string[],
  times: number,
): void {
  const { result, isNumber, isCookie } = shapes[shape];
  if (isNumber) totals.number(result, terms[0], times);
  else totals.tuple(result, terms, times, isCookie);
}

/** The texts of values, which come nearly in order, or again and again. */
function textsOf(dictionaries: readonly Dictionary[]): (column: number, id: number) => string {
  const kept = dictionaries.map(() => new Map<number, string[]>());
  return (column, id) => {
    const dictionary = dictionaries[column];
    const blocks = kept[column];
    const at = Math.floor(id / BLOCK);
    let block = blocks.get(at);
    if (block === undefined) {
      if (dictionary.size > MAX_KEPT) blocks.clear();
      block = dictionary.block(at * BLOCK, (at + 1) * BLOCK);
      blocks.set(at, block);
    }
    return block[id % BLOCK];
  };
}
