-- The log of a lane: what happens and is in no room's history, for `chat hooks`. Prelude; needs _news.
--
-- A hash whose field s is the seq of the last event, and a list of the last ones: `<ms>:<JSON without its
-- opening brace>`. In the news it is the room `/`, which no room is called.

-- KEYS from `at` on: log, events, news of the lane
local function note_event(at, channel, most, event)
  local time = redis.call('TIME')
  local now_ms = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
  local seq = redis.call('HINCRBY', KEYS[at], 's', 1)
  if redis.call('RPUSH', KEYS[at + 1], now_ms .. ':' .. event) > tonumber(most) then
    redis.call('LTRIM', KEYS[at + 1], -tonumber(most), -1)
  end
  tell_news(KEYS[at + 2], channel, '/', seq)
end

local function fields_of(kind, room, count)
  return string.format('"type":"%s","roomId":"%s","memberCount":%d,', kind, room, count)
end

