/**
 * rewindWriter-1: sets a writer's checkpoint back, because keys of the cluster have lost what came
 * after it.
 *
 * KEYS: 1. the writer's checkpoint. ARGV: 1. to 3. incarnation, flush and part that must stand there;
 * 4. to 8. incarnation, flush, part, generation and chain to set.
 *
 * Gives 1, or 0 if something else stands there.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const REWIND_WRITER: Script = {
  name: "rewindWriter-1",
  lua: `
local stored = redis.call('HMGET', KEYS[1], 'incarnation', 'flush', 'part')
-- An earlier attempt, whose answer was lost.
if (stored[1] or '') == ARGV[4] and (stored[2] or '') == ARGV[5] and (stored[3] or '') == ARGV[6] then
  return 1
end
if stored[1] ~= ARGV[1] or stored[2] ~= ARGV[2] or stored[3] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'incarnation', ARGV[4], 'flush', ARGV[5], 'part', ARGV[6],
  'generation', ARGV[7], 'chain', ARGV[8], 'refused', '')
return 1
`,
};
