-- The descriptions of the workers that live.
--
-- KEYS[1] ends   KEYS[2] nodes: see node_beat
-- Returns {description, ...}
-- Complexity: O(workers); for people and scripts, not for workers.

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', now_ms), '+inf')) do
  local description = redis.call('HGET', KEYS[2], id)
  if description then
    found[#found + 1] = description
  end
end
return found
