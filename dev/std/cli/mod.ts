/**
 * Stand-in for `@std/cli` (see dev/std/README.md). As in the real package, what is unstable has only its own path.
 *
 * @module
 */
export * from "./parse_args.ts";
export * from "./unicode_width.ts";
