/**
 * Stand-in for `@std/datetime` (see dev/std/README.md).
 *
 * @module
 */
export * from "./constants.ts";
export * from "./format.ts";
export * from "./parse.ts";
