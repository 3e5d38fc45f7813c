/**
 * Lua that adds cells to what stands at a key. Redis may refuse one; then it is noted and the others
 * go on.
 *
 * @module
 */
import { DECIMAL } from "./_decimal.ts";

/**
 * `applyGroup(kind, key, scratch, at, count, refuse)` applies `count` pairs of ARGV from `at` on and
 * calls `refuse(i, why)`, i from 0, for each that is refused. Kinds and their pairs:
 *
 * - `add`: field, whole number
 * - `top`: member, whole number
 * - `adv`: field, decimal
 * - `tally`: the word count, whole number
 * - `bmp`: an empty word, a HyperLogLog as Redis stores it
 *
 * `addGrowth(key, growth, undone)` adds to the sum of a tally's key. None of them raises an error: a
 * script that has begun to write must come to its end.
 */
export const CELLS = `${DECIMAL}
local function refusalOf(reply)
  if type(reply) == 'table' and reply.err then return reply.err end
  return nil
end

-- Sorted sets count in doubles: beyond 2^53 they would leave counts out.
local function addScore(key, member, value)
  local score = redis.pcall('ZSCORE', key, member)
  if refusalOf(score) then return refusalOf(score) end
  if score then
    local number = tonumber(score)
    if not number then return 'its score is no number' end
    if number > 9007199254740992 - tonumber(value) then
      return 'its score would pass 2^53, up to which a sorted set counts exactly'
    end
  end
  return refusalOf(redis.pcall('ZINCRBY', key, value, member))
end

local function addDecimal(key, field, value)
  if not string.find(value, '.', 1, true) then
    -- Both whole: the common case. An error here may only mean that the stored one has a fraction, or
    -- that the sum is beyond 2^63.
    if not refusalOf(redis.pcall('HINCRBY', key, field, value)) then return nil end
  end
  local stored = redis.pcall('HGET', key, field)
  if refusalOf(stored) then return refusalOf(stored) end
  local a = limbsOf(stored or '0')
  if not a then return 'it holds something that is no decimal of at most 24 digits' end
  local b = limbsOf(value)
  local text = b and textOf(plus(a, b))
  if not text then return 'it would have more than 24 digits' end
  return refusalOf(redis.pcall('HSET', key, field, text))
end

-- What the sum of a metric grows by, less what was not applied. Nobody can be told of an error: no cell
-- stands here, and readers of ours add up the fields themselves.
local function addGrowth(key, growth, undone)
  local limbs = limbsOf(growth)
  local text = limbs and textOf(minus(limbs, undone))
  if text then addDecimal(key, 'sum', text) end
end

local function addSketch(key, scratch, blob)
  local exists = redis.pcall('EXISTS', key)
  if exists == 0 then return refusalOf(redis.pcall('SET', key, blob)) end
  redis.pcall('SET', scratch, blob)
  local why = refusalOf(redis.pcall('PFMERGE', key, scratch))
  redis.pcall('DEL', scratch)
  return why
end

local function addCell(kind, key, scratch, field, value)
  if kind == 'add' or kind == 'tally' then
    return refusalOf(redis.pcall('HINCRBY', key, field, value))
  end
  if kind == 'top' then return addScore(key, field, value) end
  if kind == 'adv' then return addDecimal(key, field, value) end
  return addSketch(key, scratch, value)
end

local function applyGroup(kind, key, scratch, at, count, refuse)
  for i = 0, count - 1 do
    local value = ARGV[at + 2 * i + 1]
    local why = addCell(kind, key, scratch, ARGV[at + 2 * i], value)
    if why then refuse(i, why, value) end
  end
end
`;
