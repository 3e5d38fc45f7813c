/**
 * The values that a chart shows as lines, each with a colour that it keeps for as long as it is shown.
 *
 * @module
 */
// @ts-check

/** As many as can be told apart. */
const MAX_LINES = 5;

export class Lines {
  /** @type {(string | undefined)[]} the field of each colour */
  #fields;

  /** @param {readonly string[]} fields those that are shown at first */
  constructor(fields = []) {
    this.#fields = Array.from({ length: MAX_LINES }, (_, i) => fields[i]);
  }

  /** @returns {{ line: number, field: string }[]} `line`: the colour, from 1 */
  all() {
    return this.#fields.flatMap((field, i) => field === undefined ? [] : [{ line: i + 1, field }]);
  }

  get isFull() {
    return !this.#fields.includes(undefined);
  }

  /**
   * The colour of a field, from 1; undefined if it is not shown.
   *
   * @param {string} field
   */
  lineOf(field) {
    const at = this.#fields.indexOf(field);
    return at < 0 ? undefined : at + 1;
  }

  /** @param {string} field to be shown, if there is a colour left, or no more */
  toggle(field) {
    const at = this.#fields.indexOf(field);
    const free = this.#fields.indexOf(undefined);
    if (at >= 0) this.#fields[at] = undefined;
    else if (free >= 0) this.#fields[free] = field;
  }
}
