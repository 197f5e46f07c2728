-- Read the log of a lane, for `chat hooks`.
--
-- KEYS[1] log   KEYS[2] events   ARGV[1] first seq wanted   ARGV[2] how many
-- Returns {seq of the last event, seq of the first one returned, events}
-- Atomicity: what is returned belongs together. Complexity: O(events returned + those before them).

local head = tonumber(redis.call('HGET', KEYS[1], 's') or 0)
local first = math.max(tonumber(ARGV[1]), head - redis.call('LLEN', KEYS[2]) + 1)
local last = math.min(first + ARGV[2] - 1, head)
if first > last then
  return { head, head + 1, {} }
end
return { head, first, redis.call('LRANGE', KEYS[2], first - head - 1, last - head - 1) }
