-- Whether some users have to do with a room.
--
-- KEYS[1] members   KEYS[2] markers   KEYS[3] roster: see roster_change
-- ARGV users
-- Returns for each user 2: is there now, 1: belongs there, 0: neither
-- Complexity: O(users).
--
-- To a room with a roster belongs who has a seat and is not only invited, whatever was read there
-- before; to another one who has read in it.

local has_roster = redis.call('EXISTS', KEYS[3]) == 1
local found = {}
for i, user in ipairs(ARGV) do
  found[i] = 0
  if redis.call('HEXISTS', KEYS[1], user) == 1 then
    found[i] = 2
  elseif has_roster then
    local seat = redis.call('HGET', KEYS[3], 'u' .. user)
    found[i] = seat and string.sub(seat, 2, 2) == 'j' and 1 or 0
  else
    found[i] = redis.call('HEXISTS', KEYS[2], user)
  end
end
return found
