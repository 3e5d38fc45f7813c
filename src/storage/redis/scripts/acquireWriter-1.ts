/**
 * acquireWriter-1: takes, or keeps, the right to commit as a writer.
 *
 * KEYS: 1. the writer's lease. ARGV: 1. the incarnation; 2. milliseconds that it lasts.
 *
 * Gives 1, or 0 if another incarnation holds it.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const ACQUIRE_WRITER: Script = {
  name: "acquireWriter-1",
  lua: `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
};
