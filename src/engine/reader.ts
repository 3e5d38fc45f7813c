/**
 * Reads properties by number, fast.
 *
 * V8 compiles `object[key]` for each place in the source where it stands. Where one place sees many
 * keys it falls back to a slow look-up (30 ns and more); where it sees one key, the read is as fast as
 * `object.name`. So the first properties are read at a place each, and only further ones at a common
 * one. What was read is not kept in an array: storing fresh values in an old object costs a write
 * barrier each.
 *
 * @module
 */
import { EventError, messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";

/** Reads the properties it was made with. */
export class PropertyReader {
  readonly #keys: readonly string[];
  readonly #k0: string;
  readonly #k1: string;
  readonly #k2: string;
  readonly #k3: string;
  readonly #k4: string;
  readonly #k5: string;
  readonly #k6: string;
  readonly #k7: string;

  /** @param keys the properties, in the order of their numbers */
  constructor(keys: readonly string[]) {
    this.#keys = keys;
    [
      this.#k0 = "",
      this.#k1 = "",
      this.#k2 = "",
      this.#k3 = "",
      this.#k4 = "",
      this.#k5 = "",
      this.#k6 = "",
      this.#k7 = "",
    ] = keys;
  }

  /** The value of property number `index`, `undefined` where there is none. */
  get(object: Record<string, unknown>, index: number): unknown {
    switch (index) {
      case 0:
        return object[this.#k0];
      case 1:
        return object[this.#k1];
      case 2:
        return object[this.#k2];
      case 3:
        return object[this.#k3];
      case 4:
        return object[this.#k4];
      case 5:
        return object[this.#k5];
      case 6:
        return object[this.#k6];
      case 7:
        return object[this.#k7];
      default:
        return object[this.#keys[index]];
    }
  }

  /** What to say when reading has thrown: a getter or a proxy did, so which of them? */
  explain(object: Record<string, unknown>, cause: unknown): EventError {
    const culprit = this.#keys.find((key) => {
      try {
        return object[key], false;
      } catch {
        return true;
      }
    });
    const what = culprit === undefined ? "a property" : `property ${show(culprit)}`;
    return new EventError(
      `Cannot record an event: ${what} cannot be read: ${messageOf(cause)}`,
      { cause },
    );
  }
}
