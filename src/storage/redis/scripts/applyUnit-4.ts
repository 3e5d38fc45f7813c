/**
 * applyUnit-4: applies what a chunk has for one key, once; on a cluster, where each key lies in a slot
 * of its own. The writer's last chunk in this key stands beside it.
 *
 * KEYS: 1. the key; 2. the writer's checkpoint in it; 3. the set of writers that have one; 4. the
 * scratch key.
 *
 * ARGV:
 * 1. to 5. of the chunk: incarnation, flush, part, generation, chain (cluster_committer.ts)
 * 6. `1` if the checkpoint never expires; 7. milliseconds after which it expires otherwise
 * 8. the writer
 * 9. to 13. as 1. to 5., of the chunk that is known to have come last to this key; empty if unknown
 * 14. what to do: `known` adds members to the set at the key, others as in _cells.ts
 * 15. how many members, or pairs
 * 16. for a tally, what the sum of its metric grows by: a decimal, empty if by nothing
 * 17. and on, the members or pairs
 *
 * Gives a word, then of the checkpoint that stood here the incarnation, flush, part, generation and
 * chain, and what was refused: for each a line with its number from 0, a space and what Redis says.
 * The words: `applied`; `skip`, the chunk is here already; `lost`, what is known to have come last is
 * not here (any more); `foreign`, someone else commits as this writer. All but `applied` change
 * nothing.
 *
 * @module
 */
import { CELLS } from "./_cells.ts";
import type { Script } from "./script.ts";

/** @see the module's text */
export const APPLY_UNIT: Script = {
  name: "applyUnit-4",
  lua: `${CELLS}
local stored = redis.call('HMGET', KEYS[2], 'incarnation', 'flush', 'part', 'generation', 'chain',
  'refused')

local function answer(word, refused)
  return { word, stored[1] or '', stored[2] or '', stored[3] or '', stored[4] or '',
    stored[5] or '', refused or '' }
end

-- How far the stored one is ahead of that in ARGV from at on; below 0 it is behind. Within an
-- incarnation flush and part say it. Else the place of the incarnations in the chain: of a chain that
-- has ended, whatever it is, the stored one is behind.
local function ahead(at)
  if stored[1] == ARGV[at] then
    local flushes = tonumber(stored[2]) - tonumber(ARGV[at + 1])
    if flushes ~= 0 then return flushes end
    return tonumber(stored[3]) - tonumber(ARGV[at + 2])
  end
  if stored[5] ~= ARGV[at + 4] then return -1 end
  return tonumber(stored[4]) - tonumber(ARGV[at + 3])
end

if stored[1] then
  local order = ahead(1)
  if order == 0 then
    if stored[1] ~= ARGV[1] then return answer('foreign') end
    return answer('skip', stored[6])
  end
  if order > 0 then return answer('skip') end
end
if ARGV[9] ~= '' and (not stored[1] or ahead(9) < 0) then return answer('lost') end

-- What fails, fails before the first write.
local writers = redis.call('SCARD', KEYS[3])
redis.call('HSET', KEYS[2], 'incarnation', ARGV[1], 'flush', ARGV[2], 'part', ARGV[3],
  'generation', ARGV[4], 'chain', ARGV[5], 'refused', '')
local passing = writers == 0 or redis.call('PTTL', KEYS[3]) >= 0
redis.call('SADD', KEYS[3], ARGV[8])
if ARGV[6] == '1' then
  redis.call('PERSIST', KEYS[2])
  redis.call('PERSIST', KEYS[3])
else
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
  -- Where a checkpoint of another never expires, its name must not either.
  if passing then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
end

local refused = {}
local function refuse(i, why)
  refused[#refused + 1] = string.format('%d %s', i, why)
end
local count = tonumber(ARGV[15])
if ARGV[14] == 'known' then
  for i = 0, count - 1 do
    local why = refusalOf(redis.pcall('SADD', KEYS[1], ARGV[17 + i]))
    if why then refuse(i, why) end
  end
else
  applyGroup(ARGV[14], KEYS[1], KEYS[4], 17, count, refuse)
  if ARGV[16] ~= '' then addGrowth(KEYS[1], ARGV[16], { 0, 0, 0 }) end
end
local report = table.concat(refused, '\\n')
if report ~= '' then redis.call('HSET', KEYS[2], 'refused', report) end
return answer('applied', report)
`,
};
