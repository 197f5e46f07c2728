-- Which records of a room are over: those that have as many younger ones as the room keeps, and those
-- that are older than it keeps them, by the clock of this server, which stamped them. Prelude of the
-- scripts that write a history and of the one that reads it.
--
-- What is over is answered to nobody. It is dropped when the room is next touched, a bounded number at
-- a time. A script defines as few functions as it can: each costs every call a tenth of a microsecond.

local DROPPED_MAX = 256

local function time_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns how many records at the front of a list are over.
-- Complexity: O(1) where the first one is not too old, else O(log over) looks into the list.
local function over_in(history, length, size, age_ms)
  local over = math.max(0, length - size)
  if over == length then
    return over
  end
  local limit_ms = time_ms() - age_ms
  local function is_old(index)
    local stamp = string.match(redis.call('LINDEX', history, index), '^[^:]*:%d+:(%d+):')
    return (tonumber(stamp) or 0) < limit_ms
  end
  if not is_old(over) then
    return over
  end
  local old, step = over, 1
  while old + step < length and is_old(old + step) do
    old, step = old + step, step * 2
  end
  local young = math.min(length, old + step)
  while young - old > 1 do
    local middle = math.floor((old + young) / 2)
    if is_old(middle) then
      old = middle
    else
      young = middle
    end
  end
  return young
end

