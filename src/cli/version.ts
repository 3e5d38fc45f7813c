/**
 * The version of the program.
 *
 * @module
 */

/** As in deno.json: a test compares the two. */
export const VERSION = "0.1.0";
