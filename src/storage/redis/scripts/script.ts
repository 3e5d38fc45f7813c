/**
 * What a script is. Lua stands in TypeScript modules, so that it is there wherever the program is:
 * from JSR, and in one binary. Each script is an operation that happens at once and whole; its file's
 * name ends in the number of its KEYS, with an `n` where any number follows them.
 *
 * @module
 */

/** A script that Redis runs. */
export interface Script {
  /** The name of its file, for messages. */
  readonly name: string;
  readonly lua: string;
}
