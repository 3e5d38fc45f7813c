/**
 * commitChunk-7n: applies a chunk with its checkpoint, on one server.
 *
 * KEYS:
 * 1. the writer's checkpoint
 * 2. the set of durable writers
 * 3. to 6. starts and versions of days, starts and versions of hours
 * 7. the scratch key
 * 8. and on, for each bucket: its set of known keys, then the key of each group
 *
 * ARGV: 1. to 9. as in _checkpoint.ts; 10. the number of buckets; for each bucket
 * - its unit, `d` or `h`, its start in unix seconds, and its number of groups
 * - for each group its kind, the number of its pairs, for a tally what the sum of its metric grows by
 *   (a decimal, empty if by nothing; it follows the group of that metric), else an empty word, and the
 *   pairs (_cells.ts)
 *
 * Gives `applied`, `skip` or `other`, then the stored checkpoint's incarnation, flush and part, and
 * what was refused: for each a line with the cell's number, from 0 in the order of ARGV, a space and
 * what Redis says. `skip` and `other` changed nothing.
 *
 * @module
 */
import { CELLS } from "./_cells.ts";
import { CHECKPOINT } from "./_checkpoint.ts";
import type { Script } from "./script.ts";

/** @see the module's text */
export const COMMIT_CHUNK: Script = {
  name: "commitChunk-7n",
  lua: `${CELLS}${CHECKPOINT}
local word, stored = judge(KEYS[1])
if word ~= 'apply' then return answer(word, stored) end
assertTypes(KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
move(KEYS[1], KEYS[2], stored)

local refused = {}
local cell = 0
local key = 8
local at = 11
for _ = 1, tonumber(ARGV[10]) do
  local starts, versions = KEYS[3], KEYS[4]
  if ARGV[at] == 'h' then starts, versions = KEYS[5], KEYS[6] end
  local start = ARGV[at + 1]
  local groups = tonumber(ARGV[at + 2])
  at = at + 3
  local known = KEYS[key]
  key = key + 1
  -- Cells that nobody can find again are not written.
  local unknown
  for group = 0, groups - 1 do
    unknown = unknown or refusalOf(redis.pcall('SADD', known, KEYS[key + group]))
  end
  local applied = 0
  local undone
  for _ = 1, groups do
    local kind, count, growth = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
    at = at + 3
    if kind ~= 'tally' then undone = { 0, 0, 0 } end
    local function refuse(i, why, value)
      refused[#refused + 1] = string.format('%d %s', cell + i, why)
      applied = applied - 1
      if kind == 'adv' then undone = plus(undone, limbsOf(value) or { 0, 0, 0 }) end
    end
    applied = applied + count
    if unknown then
      for i = 0, count - 1 do refuse(i, unknown, ARGV[at + 2 * i + 1]) end
    else
      applyGroup(kind, KEYS[key], KEYS[7], at, count, refuse)
      if growth ~= '' then addGrowth(KEYS[key], growth, undone or { 0, 0, 0 }) end
    end
    cell = cell + count
    at = at + 2 * count
    key = key + 1
  end
  if not unknown then redis.call('ZADD', starts, start, start) end
  if applied > 0 then touch(versions, start) end
end
local report = table.concat(refused, '\\n')
if report ~= '' then redis.call('HSET', KEYS[1], 'refused', report) end
return { 'applied', '', '', '', report }
`,
};
