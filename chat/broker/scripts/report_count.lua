-- Return how many reports are open.
--
-- KEYS, ARGV: see _reports
-- Complexity: O(1), and O(1) for each that is forgotten.

make_room(tonumber(ARGV[1]))
return redis.call('XLEN', KEYS[1]) - redis.call('HLEN', KEYS[2])
