-- Up to where a user has read a room, and whether the user may know.
--
-- KEYS[1] stream   KEYS[2] markers   KEYS[3] sanctions
-- ARGV[1] user
-- Returns {ms left of a ban: -1 for good, 0 for none, epoch or '' when nobody was ever in the room,
-- seq of the head, seq of the marker or -1 for none}
-- Complexity: O(1).

local f = redis.call('HMGET', KEYS[1], 'e', 's', 'l', 'a')
local ban_ms = 0
if f[4] ~= '0' then
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  ban_ms = time_left(redis.call('HGET', KEYS[3], 'b' .. ARGV[1]), now_ms)
end
if not f[1] then
  return { ban_ms, '', '0', '-1' }
end
local head = tonumber(f[2])
local read = marker_now(redis.call('HGET', KEYS[2], ARGV[1]), f[1], head, f[3] or '') or -1
return { ban_ms, f[1], f[2], string.format('%d', read) }
