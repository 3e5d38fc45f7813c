/**
 * removeWriter-3: removes the checkpoint of a durable writer that nobody holds.
 *
 * KEYS: 1. the writer's checkpoint; 2. its lease; 3. the set of durable writers. ARGV: 1. the writer.
 *
 * Gives 1, or 0 if the writer is held, not durable or not there.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const REMOVE_WRITER: Script = {
  name: "removeWriter-3",
  lua: `
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('SREM', KEYS[3], ARGV[1]) == 0 then return 0 end
return redis.call('DEL', KEYS[1])
`,
};
