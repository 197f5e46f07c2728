-- Put a member's state into the list of members, and tell it.
--
-- KEYS[1] members   KEYS[2] stream
-- ARGV[1] channel   ARGV[2] user id   ARGV[3] display data with the state, JSON
-- ARGV[4] members above which a room is told counts only, unless its rules say always
-- Returns 1 if that was news in the room
-- Atomicity: the list and the event agree.
-- Complexity: O(1).

local value = redis.call('HGET', KEYS[1], ARGV[2])
local leases, known = string.match(value or '', '^(%d+|)(.*)$')
if not leases or known == ARGV[3] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], leases .. ARGV[3])
local own = redis.call('HGET', KEYS[2], 'r')
local is_large = own and rules_of(own).large
if not is_large and redis.call('HLEN', KEYS[1]) <= tonumber(ARGV[4]) then
  redis.call(PUBLISH, ARGV[1], 'q' .. ARGV[3])
end
return 1
