-- A worker says that it lives, and what it is doing.
--
-- KEYS[1] ends, a sorted set of worker ids by the time they count as dead (ms of this server)
-- KEYS[2] nodes, a hash: worker id to its description
-- ARGV[1] worker id   ARGV[2] ttl ms   ARGV[3] description, JSON
-- Atomicity: index and descriptions agree.
-- Complexity: O(log workers); at most 16 dead ones are forgotten on the way.

local UNUSED_MS = 3600 * 1000 -- when the last worker is long gone nothing stays behind

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now_ms), 'LIMIT', 0, 16)
if #dead > 0 then
  redis.call('ZREM', KEYS[1], unpack(dead))
  redis.call('HDEL', KEYS[2], unpack(dead))
end
redis.call('ZADD', KEYS[1], string.format('%d', now_ms + ARGV[2]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], UNUSED_MS)
redis.call('PEXPIRE', KEYS[2], UNUSED_MS)
return 1
