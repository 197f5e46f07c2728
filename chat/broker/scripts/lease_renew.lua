-- Renew a worker's lease and hear which leases have run out.
--
-- KEYS[1] leases, a sorted set by the time they end (ms of this server's clock)
-- ARGV[1] lease   ARGV[2] ttl ms   ARGV[3] 1 if the lease is new, 0 if it must exist
-- Returns {kept: 1 or 0, expired lease, ...}, at most 16 of them
-- Atomicity: a lease that has run out is never revived; its worker takes a new one.
-- Complexity: O(log leases + expired).

local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
local kept = 0
if ARGV[3] == '1' or (ends and tonumber(ends) > now_ms) then
  redis.call('ZADD', KEYS[1], string.format('%d', now_ms + ARGV[2]), ARGV[1])
  kept = 1
end
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now_ms), 'LIMIT', 0, 16)
return { kept, unpack(expired) }
