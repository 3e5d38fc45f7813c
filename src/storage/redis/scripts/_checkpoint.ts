/**
 * Lua that judges a chunk by its writer's checkpoint and moves that.
 *
 * @module
 */

/**
 * What of ARGV every script that moves a checkpoint has in common:
 *
 * 1. to 3. incarnation, flush and part of the chunk
 * 4. to 6. those of its predecessor; the incarnation is empty where there is none
 * 7. `1` if the checkpoint never expires
 * 8. milliseconds after which it expires otherwise
 * 9. the writer
 *
 * The rule is that of `verdict` in src/storage/checkpoint.ts; an answer that is neither `apply` nor
 * `skip` is judged again there, for the error's text.
 */
export const CHECKPOINT = `
local FIELDS = { 'incarnation', 'flush', 'part', 'generation', 'chain', 'refused' }

-- 'apply', 'skip' or 'other', and the stored checkpoint as a list of FIELDS.
local function judge(key)
  local stored = redis.call('HMGET', key, unpack(FIELDS))
  local isPrevious
  if stored[1] then
    isPrevious = stored[1] == ARGV[4] and stored[2] == ARGV[5] and stored[3] == ARGV[6]
  else
    isPrevious = ARGV[4] == ''
  end
  if isPrevious then return 'apply', stored end
  if stored[1] == ARGV[1] then
    local ahead = tonumber(stored[2]) - tonumber(ARGV[2])
    if ahead == 0 then ahead = tonumber(stored[3]) - tonumber(ARGV[3]) end
    if ahead >= 0 then return 'skip', stored end
  end
  return 'other', stored
end

local function answer(word, stored)
  return { word, stored[1] or '', stored[2] or '', stored[3] or '', stored[6] or '' }
end

-- How many incarnations the chain of chunks has had, and the one it began with. The writer counts the
-- same (cluster_committer.ts).
local function lineage(stored)
  if not stored[1] then return 1, ARGV[1] end
  local generation = tonumber(stored[4] or 1)
  if stored[1] ~= ARGV[1] then generation = generation + 1 end
  return generation, stored[5] or stored[1]
end

-- The first write of its script: where memory or replicas are short, Redis refuses this one, and
-- after it no other.
local function move(key, writers, stored)
  local generation, chain = lineage(stored)
  redis.call('HSET', key, 'incarnation', ARGV[1], 'flush', ARGV[2], 'part', ARGV[3],
    'generation', generation, 'chain', chain, 'refused', '')
  if ARGV[7] == '1' then
    redis.call('PERSIST', key)
    redis.call('SADD', writers, ARGV[9])
  else
    redis.call('PEXPIRE', key, ARGV[8])
    redis.call('SREM', writers, ARGV[9])
  end
end

-- An error of type in one of the bookkeeping keys must come before the first write.
local function assertTypes(writers, startsD, versionsD, startsH, versionsH)
  redis.call('SCARD', writers)
  redis.call('ZCARD', startsD)
  redis.call('HLEN', versionsD)
  redis.call('ZCARD', startsH)
  redis.call('HLEN', versionsH)
end

-- Microseconds of the server's clock, and more than before: also a bucket that was pruned and comes
-- back has a greater number than it had.
local function touch(versions, start)
  local time = redis.call('TIME')
  local version = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local before = tonumber(redis.call('HGET', versions, start) or 0) or 0
  if version <= before then version = before + 1 end
  redis.call('HSET', versions, start, string.format('%.0f', version))
end
`;
