-- Move an endpoint's cursor in a room, if it still is where the caller saw it.
--
-- KEYS[1] due   KEYS[2] news   KEYS[3] the hash with the room's last seq in s
-- ARGV[1] room   ARGV[2] where the cursor was   ARGV[3] the next seq
-- Returns -1: the cursor is elsewhere, nothing was done | 0: nothing is left, the room is not due any more |
-- the last seq of the room
-- Atomicity: a process that lost its share cannot move what another has moved since, and no message comes
-- between the look at the last seq and the end of the cursor.
-- Complexity: O(log rooms).
--
-- While the room is among the news the cursor stays: what is taken from there must not begin again.

local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) ~= tonumber(ARGV[2]) then
  return -1
end
local head = tonumber(redis.call('HGET', KEYS[3], 's') or 0)
if head < tonumber(ARGV[3]) and not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return head
