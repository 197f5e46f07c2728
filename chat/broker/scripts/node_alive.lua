-- Which of some workers live.
--
-- KEYS[1] ends: see node_beat
-- ARGV worker ids
-- Returns {worker id, ...}
-- Complexity: O(workers asked about).

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local alive = {}
for _, id in ipairs(ARGV) do
  local ends = redis.call('ZSCORE', KEYS[1], id)
  if ends and tonumber(ends) > now_ms then
    alive[#alive + 1] = id
  end
end
return alive
