/**
 * Lua that adds decimals without floats. A decimal is three limbs of twelve digits in millionths, all
 * of its sign: 30 digits before the point and six behind it. Each limb, and the sum of two, is a
 * double below 2^53.
 *
 * @module
 */

/** `limbsOf(text)`, `plus(a, b)`, `minus(a, b)`, `textOf(limbs)`. */
export const DECIMAL = `
local LIMB = 1000000000000
local MAX_DIGITS = 24

-- The limbs of a decimal as text, rounded to six places half away from zero; nil if it is none, or
-- has more than 24 digits before the point. Exponents and signs as HINCRBYFLOAT or a float prints them.
local function limbsOf(text)
  local mantissa, exponent = string.match(text, '^(.-)[eE]([+-]?%d+)$')
  local sign, whole, fraction = string.match(mantissa or text, '^([+-]?)(%d*)%.?(%d*)$')
  if not sign or #whole + #fraction == 0 then return nil end
  local shift = tonumber(exponent or 0)
  if shift > 400 or shift < -400 then return nil end
  if shift > 0 then
    fraction = fraction .. string.rep('0', shift - #fraction)
    whole, fraction = whole .. string.sub(fraction, 1, shift), string.sub(fraction, shift + 1)
  elseif shift < 0 then
    whole = string.rep('0', -shift - #whole) .. whole
    whole, fraction = string.sub(whole, 1, shift - 1), string.sub(whole, shift) .. fraction
  end
  whole = string.gsub(whole, '^0+', '')
  if #whole > MAX_DIGITS then return nil end
  local digits = string.rep('0', 30 - #whole) .. whole .. string.sub(fraction .. '000000', 1, 6)
  local up = 0
  if string.sub(fraction, 7, 7) >= '5' then up = 1 end
  local side = 1
  if sign == '-' then side = -1 end
  return {
    side * tonumber(string.sub(digits, 1, 12)),
    side * tonumber(string.sub(digits, 13, 24)),
    side * (tonumber(string.sub(digits, 25, 36)) + up),
  }
end

local function plus(a, b)
  return { a[1] + b[1], a[2] + b[2], a[3] + b[3] }
end

local function minus(a, b)
  return { a[1] - b[1], a[2] - b[2], a[3] - b[3] }
end

-- Brings the two lower limbs into 0 to LIMB - 1. Adding 0 turns -0 into 0.
local function carried(high, middle, low)
  local over = math.floor(low / LIMB)
  low = low - over * LIMB
  middle = middle + over
  over = math.floor(middle / LIMB)
  return high + over + 0, middle - over * LIMB, low
end

-- The shortest decimal: no exponent, no zeros at its end. nil if it is too long.
local function textOf(limbs)
  local high, middle, low = carried(limbs[1], limbs[2], limbs[3])
  local sign = ''
  if high < 0 then
    sign = '-'
    high, middle, low = carried(-high, -middle, -low)
  end
  local digits = string.format('%.0f%012.0f%012.0f', high, middle, low)
  local whole = string.gsub(string.sub(digits, 1, -7), '^0+', '')
  local fraction = string.gsub(string.sub(digits, -6), '0+$', '')
  if #whole > MAX_DIGITS then return nil end
  if whole == '' then whole = '0' end
  if fraction ~= '' then fraction = '.' .. fraction end
  return sign .. whole .. fraction
end
`;
