/**
 * The values of one property, numbered: what a delta has seen once is not sanitized again.
 *
 * @module
 */

/** Slots of the table that is asked first; a power of two. */
const FRONT_SLOTS = 512;
/** Raw values above this length are not remembered, so that they can be freed. */
const MAX_REMEMBERED_LENGTH = 256;
/** About what a value costs in memory, its text aside. */
const TERM_BYTES = 100;

/** The term of a value that counts as absent. */
export const ABSENT = -1;

/** Values of one property and their numbers, 0, 1, 2 … */
export class Terms {
  readonly #held: { cells: number; bytes: number };
  readonly #read: (value: unknown) => string;
  /**
   * The value that was last seen of those that share a slot. Most values of an event are short
   * strings that recur; comparing with this one is several times cheaper than a look into a Map.
   */
  readonly #frontValues: unknown[] = new Array(FRONT_SLOTS).fill(undefined);
  readonly #frontTerms: Int32Array = new Int32Array(FRONT_SLOTS);
  readonly #byValue: Map<unknown, number> = new Map();
  readonly #byText: Map<string, number> = new Map();
  readonly #texts: string[] = [];

  /**
   * @param read sanitizes a value; `""` where it counts as absent
   * @param held where each value that is remembered is added, with its bytes
   */
  constructor(read: (value: unknown) => string, held: { cells: number; bytes: number }) {
    this.#read = read;
    this.#held = held;
  }

  /** The sanitized text of a term. */
  text(term: number): string {
    return this.#texts[term];
  }

  /** The number of a value, or {@linkcode ABSENT}. */
  term(value: unknown): number {
    if (typeof value === "string") {
      const slot = frontSlot(value);
      if (this.#frontValues[slot] === value) return this.#frontTerms[slot];
      const term = this.#byValue.get(value) ?? this.#add(value);
      if (value.length <= MAX_REMEMBERED_LENGTH) {
        this.#frontValues[slot] = value;
        this.#frontTerms[slot] = term;
      }
      return term;
    }
    if (value === undefined || value === null) return ABSENT;
    return this.#byValue.get(value) ?? this.#add(value);
  }

  #add(value: unknown): number {
    const text = this.#read(value);
    if (text === "") return ABSENT;
    let term = this.#byText.get(text);
    if (term === undefined) {
      term = this.#texts.push(text) - 1;
      this.#byText.set(text, term);
      this.#hold(text);
    }
    if (typeof value !== "string" || value.length <= MAX_REMEMBERED_LENGTH) {
      this.#byValue.set(value, term);
      this.#hold(text);
    }
    return term;
  }

  #hold(text: string): void {
    this.#held.cells++;
    this.#held.bytes += TERM_BYTES + 2 * text.length;
  }
}

/** Cheap and good enough: a wrong guess costs one look into a Map. */
function frontSlot(text: string): number {
  const length = text.length;
  if (length === 0) return 0;
  const last = length - 1;
  const mixed = text.charCodeAt(0) * 31 + text.charCodeAt(last >> 1) * 7 +
    text.charCodeAt(last) * 131 + length;
  return mixed & FRONT_SLOTS - 1;
}
