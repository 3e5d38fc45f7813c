/**
 * pruneBucket-3n: removes keys of a bucket and, when none is left, the bucket; on one server.
 *
 * KEYS: 1. the bucket's set of known keys; 2. the unit's starts; 3. the unit's versions; 4. and on, the
 * keys to remove. ARGV: 1. the bucket's start in unix seconds; 2. and on, the members to take out of
 * the set: those keys, and what there is no key for.
 *
 * Gives 1 if the bucket is gone, 0 if it has other keys.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const PRUNE_BUCKET: Script = {
  name: "pruneBucket-3n",
  lua: `
for i = 4, #KEYS do redis.call('UNLINK', KEYS[i]) end
for i = 2, #ARGV do redis.call('SREM', KEYS[1], ARGV[i]) end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
`,
};
