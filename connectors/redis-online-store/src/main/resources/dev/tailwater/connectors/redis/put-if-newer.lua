-- Replaces the hash of one entity unless it holds a newer version; all or nothing.
-- KEYS[1]  the hash
-- ARGV[1]  generation, ARGV[2] valid from, ARGV[3] facts applied: the version, compared in this order
-- ARGV[4]  time to live in milliseconds, or 0 for ever
-- ARGV[5]  and on: field, value, field, value ...
-- Returns 1 if the row was written, 0 if it is older than the one that is there. An equal version
-- is written again: it is the same row.

-- Compares decimal integers as text, because Lua's numbers are exact to 53 bits only.
local function compare(a, b)
  local a_negative = string.sub(a, 1, 1) == '-'
  local b_negative = string.sub(b, 1, 1) == '-'
  if a_negative ~= b_negative then
    return a_negative and -1 or 1
  end
  local order = 0
  if #a ~= #b then
    order = #a < #b and -1 or 1
  elseif a ~= b then
    order = a < b and -1 or 1
  end
  return a_negative and -order or order
end

local present = redis.call('HGET', KEYS[1], '_version')
if present then
  local part = 1
  for text in string.gmatch(present, '[^|]+') do
    local order = compare(ARGV[part], text)
    if order < 0 then
      return 0
    elseif order > 0 then
      break
    end
    part = part + 1
  end
end

redis.call('DEL', KEYS[1])
-- unpack is limited by Lua's stack: wide rows go in slices.
for first = 5, #ARGV, 1000 do
  redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
if ARGV[4] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
