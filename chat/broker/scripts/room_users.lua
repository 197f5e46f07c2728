-- Whether some users have to do with a room.
--
-- KEYS[1] members   KEYS[2] markers   KEYS[3] roster, where there is one
-- ARGV users
-- Returns for each user 2: is there now, 1: belongs to it, 0: neither. Who belongs to a room the roster
-- says; where there is none, it is who has read there.
-- Complexity: O(users).

local function belongs(user)
  if KEYS[3] then
    local seat = redis.call('HGET', KEYS[3], 'u' .. user)
    return string.sub(seat or '', 2, 2) == 'j'
  end
  return redis.call('HEXISTS', KEYS[2], user) == 1
end

local found = {}
for i, user in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[1], user) == 1 then
    found[i] = 2
  else
    found[i] = belongs(user) and 1 or 0
  end
end
return found
