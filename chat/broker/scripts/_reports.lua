-- The reports of messages: a stream of them, and a hash of what came of those that are resolved.
-- Prelude of report_add, report_resolve and report_count, which have in common:
--
-- KEYS[1] reports   KEYS[2] resolved
-- ARGV[1] how many are kept   ARGV[2] how long, ms

local FORGOTTEN_AT_ONCE = 100

local function forget(last, count)
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', last, 'COUNT', count)) do
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HDEL', KEYS[2], entry[1])
  end
end

-- Forget what is too old, and the oldest where there are more than `most`.
local function make_room(most)
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  forget(string.format('%d', now_ms - ARGV[2]), FORGOTTEN_AT_ONCE)
  local over = redis.call('XLEN', KEYS[1]) - most
  if over > 0 then
    forget('+', math.min(over, FORGOTTEN_AT_ONCE))
  end
  return now_ms
end
