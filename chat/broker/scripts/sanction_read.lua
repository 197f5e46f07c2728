-- How some users stand in a room.
--
-- KEYS[1] stream   KEYS[2] sanctions
-- ARGV users
-- Returns {last act, and for each user: ms left of a ban, ms left of a mute, act of a kick}
-- Complexity: O(users).

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local last_act = redis.call('HGET', KEYS[2], '#') or '0'
if redis.call('HGET', KEYS[1], 'a') ~= last_act and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'a', last_act)
end
local found = { last_act }
for _, user in ipairs(ARGV) do
  local f = redis.call('HMGET', KEYS[2], 'b' .. user, 'm' .. user, 'k' .. user)
  found[#found + 1] = time_left(f[1], now_ms)
  found[#found + 1] = time_left(f[2], now_ms)
  found[#found + 1] = f[3] and string.match(f[3], '^%d+:(%d+):') or '0'
end
return found
