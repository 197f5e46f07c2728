-- Whether some users have to do with a room.
--
-- KEYS[1] members   KEYS[2] markers
-- ARGV users
-- Returns for each user 2: is there now, 1: has read there, 0: neither
-- Complexity: O(users).

local found = {}
for i, user in ipairs(ARGV) do
  found[i] = 0
  if redis.call('HEXISTS', KEYS[1], user) == 1 then
    found[i] = 2
  elseif redis.call('HEXISTS', KEYS[2], user) == 1 then
    found[i] = 1
  end
end
return found
