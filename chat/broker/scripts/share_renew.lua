-- Share the rooms, in groups, among the processes of `chat hooks`.
--
-- KEYS[1] processes, a sorted set by when they count as dead (ms)   KEYS[2] owners: hash of groups
-- ARGV[1] who asks   ARGV[2] ttl ms; 0: it leaves   ARGV[3] how many groups there are
-- ARGV[4...] groups it has had and lets go of
-- Returns {groups that are its own from now on, -1 - group for those it should let go of}
-- Atomicity: a group has one owner. Complexity: O(groups + processes * log processes).

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local me, ttl_ms = ARGV[1], tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now_ms))
if ttl_ms > 0 then
  redis.call('ZADD', KEYS[1], string.format('%d', now_ms + ttl_ms), me)
else
  redis.call('ZREM', KEYS[1], me)
end
local living, known = redis.call('ZRANGE', KEYS[1], 0, -1), {}
table.sort(living)
for _, process in ipairs(living) do
  known[process] = true
end
for i = 4, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == me then
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
local mine = {}
for group = 0, ARGV[3] - 1 do
  local owner = redis.call('HGET', KEYS[2], group)
  local rightful = #living > 0 and living[group % #living + 1]
  if ttl_ms == 0 then
    if owner == me then
      redis.call('HDEL', KEYS[2], group)
    end
  elseif owner == me then
    mine[#mine + 1] = rightful == me and group or -1 - group
  elseif rightful == me and not (owner and known[owner]) then
    redis.call('HSET', KEYS[2], group, me)
    mine[#mine + 1] = group
  end
end
return mine
