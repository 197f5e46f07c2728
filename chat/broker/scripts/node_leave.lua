-- A worker has ended: forget it now.
--
-- KEYS[1] ends   KEYS[2] nodes: see node_beat
-- ARGV[1] worker id
-- Complexity: O(log workers).

redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
