-- Revoke a user's tokens or one token, or disconnect a user, and tell all workers.
--
-- KEYS[1] acts, a sorted set of their names by time (us of this server)
-- ARGV[1] channel   ARGV[2] name   ARGV[3] how long it is kept, ms
-- Returns the act: its time, made to rise
-- Atomicity: what is kept is told, and what is told is kept.
-- Complexity: O(log acts + those whose time is over).

local time = redis.call('TIME')
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local now_us = time[1] * 1000000 + time[2]
local act = string.format('%d', math.max(now_us, tonumber(last[2] or 0) + 1))
local oldest = string.format('%d', now_us - ARGV[3] * 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', oldest)
redis.call('ZADD', KEYS[1], act, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(PUBLISH, ARGV[1], act .. ':' .. ARGV[2])
return act
