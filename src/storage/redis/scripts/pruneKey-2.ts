/**
 * pruneKey-2: removes a key with the checkpoints that writers have in it; on a cluster.
 *
 * KEYS: 1. the key; 2. the set of writers that have a checkpoint in it. ARGV: 1. what the keys of those
 * checkpoints begin with, all in the same slot; 2. `1` to do it only if the key is gone already.
 *
 * Gives 1, or 0 if nothing was done.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const PRUNE_KEY: Script = {
  name: "pruneKey-2",
  lua: `
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for _, writer in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('UNLINK', ARGV[1] .. writer)
end
redis.call('UNLINK', KEYS[1], KEYS[2])
return 1
`,
};
