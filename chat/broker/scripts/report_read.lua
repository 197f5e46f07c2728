-- Read reports in the order in which they were noted, for `chat hooks`.
--
-- KEYS[1] head   KEYS[2] ids   KEYS[3] reports   ARGV[1] first seq wanted   ARGV[2] how many
-- Returns {seq of the last one noted, seq of the first one returned, entries}
-- Atomicity: what is returned belongs together. Complexity: O(log n) for each returned, and for each before
-- them whose time is over.

local head = tonumber(redis.call('HGET', KEYS[1], 's') or 0)
local first = math.max(tonumber(ARGV[1]), head - redis.call('LLEN', KEYS[2]) + 1)
local found = {}
if first > head then
  return { head, head + 1, found }
end
for _, id in ipairs(redis.call('LRANGE', KEYS[2], first - head - 1, -1)) do
  local entry = redis.call('XRANGE', KEYS[3], id, id)[1]
  if entry then
    table.insert(found, entry)
  elseif #found == 0 then
    first = first + 1 -- its time is over: reports go in the order in which they came
  end
  if not entry and #found > 0 or #found == tonumber(ARGV[2]) then
    break
  end
end
return { head, first, found }
