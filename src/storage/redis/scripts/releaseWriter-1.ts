/**
 * releaseWriter-1: gives the right to commit as a writer up, if this incarnation has it.
 *
 * KEYS: 1. the writer's lease. ARGV: 1. the incarnation.
 *
 * Gives 1, or 0 if another incarnation holds it, or nobody.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const RELEASE_WRITER: Script = {
  name: "releaseWriter-1",
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
};
