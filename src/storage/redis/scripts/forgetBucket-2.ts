/**
 * forgetBucket-2: takes a bucket out of the index, unless it was touched meanwhile; on a cluster.
 *
 * KEYS: 1. the unit's starts; 2. the unit's versions. ARGV: 1. the bucket's start in unix seconds; 2.
 * the version that it had, empty if none.
 *
 * Gives 1, or 0 if it was touched.
 *
 * @module
 */
import type { Script } from "./script.ts";

/** @see the module's text */
export const FORGET_BUCKET: Script = {
  name: "forgetBucket-2",
  lua: `
local version = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if version ~= '' and version ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
`,
};
