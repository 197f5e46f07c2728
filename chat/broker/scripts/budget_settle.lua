-- Take what a user spent on one worker out of the cluster's budgets.
--
-- KEYS[1] budgets of the user, a hash: tokens of messages, bytes and joins, and since when (us)
-- ARGV[1..3] spent   ARGV[4..6] tokens per second, 0 for no limit   ARGV[7..9] burst
-- Returns {messages, bytes, joins} left, rounded down; negative is a debt
-- Atomicity: refill and spending are one step, so workers that settle at once count both.
-- Complexity: O(1).
--
-- A debt is kept whole: cutting it off would give a user on many workers more than the rate.
-- A bucket that is full again is the same as none, so the key ends then.

local TTL_MAX_MS = 30 * 24 * 3600 * 1000

local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local kept = redis.call('HMGET', KEYS[1], '1', '2', '3', 'at_us')
local since_us = kept[4] and tonumber(kept[4]) or now_us
local elapsed_s = math.max(0, now_us - since_us) / 1000000

local left, fields, full_in_s = {}, { 'at_us', string.format('%.0f', now_us) }, 0
for i = 1, 3 do
  local spent, rate, burst = tonumber(ARGV[i]), tonumber(ARGV[3 + i]), tonumber(ARGV[6 + i])
  local tokens = burst
  if rate > 0 then
    tokens = math.min(burst, (kept[i] and tonumber(kept[i]) or burst) + elapsed_s * rate) - spent
    full_in_s = math.max(full_in_s, (burst - tokens) / rate)
  end
  left[i] = math.floor(tokens)
  fields[#fields + 1] = tostring(i)
  fields[#fields + 1] = string.format('%.6f', tokens)
end
local ttl_ms = math.min(TTL_MAX_MS, math.ceil(full_in_s * 1000))
if ttl_ms > 0 then
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], string.format('%d', ttl_ms))
else
  redis.call('DEL', KEYS[1])
end
return left
