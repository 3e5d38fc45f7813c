/**
 * The series of rows whose tags are numbers: column after column, the number so far and that of the next
 * value become one.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { encodeKey } from "../points/encode.ts";
import type { Tag } from "../points/batch.ts";
import type { SqlVector } from "../sql/values.ts";
import { ImportError } from "./errors.ts";

/** A column with a tag, and the texts of its numbers. */
export interface TagTexts {
  readonly name: string;
  readonly texts: readonly string[];
}

/** See the top of this file. */
export class SeriesNumbers {
  readonly #measurement: string;
  readonly #columns: readonly TagTexts[];
  readonly #steps: Map<number, number>[];
  /** By its number: the tags of a series, as each step has them. */
  readonly #tagsOf: (readonly Tag[])[][];
  readonly #keys: string[] = [];
  /** Why a series cannot be written, by its number. */
  readonly refused: Map<number, string> = new Map();

  /** @param columns in the order of `vectors`, ascending by name */
  constructor(measurement: string, columns: readonly TagTexts[]) {
    this.#measurement = measurement;
    this.#columns = columns;
    this.#steps = columns.map(() => new Map());
    this.#tagsOf = columns.map(() => []);
    // Without tags all rows are of one series.
    if (columns.length === 0) this.#keys.push(encodeKey(measurement, []));
  }

  /** The tags of each series, by its number; it grows. */
  get tags(): readonly (readonly Tag[])[] {
    return this.#tagsOf.at(-1) ?? [[]];
  }

  /** What the line of each series begins with, by its number. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** The series of each row. */
  number(vectors: readonly SqlVector[], rows: number): Uint32Array<ArrayBuffer> {
    const numbers = new Uint32Array(rows);
    vectors.forEach(({ values, nulls }, step) => {
      const { texts } = this.#columns[step];
      const codes = values as ArrayLike<number>;
      for (let row = 0; row < rows; row++) {
        // The last place stands for no value.
        const code = nulls?.[row] === 1 ? texts.length : codes[row];
        const both = numbers[row] * (texts.length + 1) + code;
        numbers[row] = this.#steps[step].get(both) ?? this.#add(step, numbers[row], code, both);
      }
    });
    return numbers;
  }

  #add(step: number, before: number, code: number, both: number): number {
    if (!Number.isSafeInteger(both)) {
      throw new ImportError(
        "Cannot number the series: the tags have too many values; give fewer --tags",
      );
    }
    const { name, texts } = this.#columns[step];
    const prefix = step === 0 ? [] : this.#tagsOf[step - 1][before];
    const tags: Tag[] = [...prefix];
    if (code < texts.length) tags.push([name, texts[code]]);
    const number = this.#tagsOf[step].push(tags) - 1;
    this.#steps[step].set(both, number);
    if (step === this.#columns.length - 1) {
      try {
        this.#keys[number] = encodeKey(this.#measurement, tags);
      } catch (error) {
        this.#keys[number] = "";
        this.refused.set(number, messageOf(error));
      }
    }
    return number;
  }
}
