/**
 * finishChunk-7: moves a writer's checkpoint when all keys of its chunk are done; on a cluster.
 *
 * KEYS: 1. the writer's checkpoint; 2. the set of durable writers; 3. to 6. starts and versions of days,
 * starts and versions of hours; 7. the signs that prunes leave.
 *
 * ARGV: 1. to 9. as in _checkpoint.ts; 10. what was refused, as commitChunk gives it; 11. the number of
 * buckets; for each its unit, `d` or `h`, its start in unix seconds, and `touched`, `listed` if no cell
 * of it was applied, or `none` if it could not even be listed.
 *
 * Gives `applied`, `skip` or `other`, then the stored checkpoint's incarnation, flush and part, what
 * was refused, and the signs of prunes, that of days, a bar, and that of hours. `skip` and `other` changed nothing.
 *
 * @module
 */
import { CHECKPOINT } from "./_checkpoint.ts";
import type { Script } from "./script.ts";

/** @see the module's text */
export const FINISH_CHUNK: Script = {
  name: "finishChunk-7",
  lua: `${CHECKPOINT}
local word, stored = judge(KEYS[1])
local signs = redis.call('HMGET', KEYS[7], 'd', 'h')
local prune = (signs[1] or '') .. '|' .. (signs[2] or '')
if word ~= 'apply' then
  local reply = answer(word, stored)
  reply[6] = prune
  return reply
end
assertTypes(KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
move(KEYS[1], KEYS[2], stored)
if ARGV[10] ~= '' then redis.call('HSET', KEYS[1], 'refused', ARGV[10]) end
for i = 0, tonumber(ARGV[11]) - 1 do
  local at = 12 + 3 * i
  local starts, versions = KEYS[3], KEYS[4]
  if ARGV[at] == 'h' then starts, versions = KEYS[5], KEYS[6] end
  local start, state = ARGV[at + 1], ARGV[at + 2]
  if state ~= 'none' then redis.call('ZADD', starts, start, start) end
  if state == 'touched' then touch(versions, start) end
end
return { 'applied', '', '', '', ARGV[10], prune }
`,
};
