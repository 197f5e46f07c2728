-- Note that a user's own list has what the roster says.
--
-- KEYS[1] roster   KEYS[2] unsettled
-- ARGV[1] user   ARGV[2] the seat that the list was made of, '' for none
-- Returns 1, or 0 when the roster says something else by now
-- Complexity: O(1).

if (redis.call('HGET', KEYS[1], 'u' .. ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
