-- What the roster of a room says of some users.
--
-- KEYS[1] roster   KEYS[2] unsettled
-- ARGV users
-- Returns {the field # or '', some users whose lists are not settled and by whom, and the seat of each
-- user as it is kept, '' for none}
-- Complexity: O(users).

local SOME = 8

local found = {
  redis.call('HGET', KEYS[1], '#') or '',
  redis.call('HRANDFIELD', KEYS[2], SOME, 'WITHVALUES'),
}
for _, user in ipairs(ARGV) do
  found[#found + 1] = redis.call('HGET', KEYS[1], 'u' .. user) or ''
end
return found
