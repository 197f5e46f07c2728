-- The log of a lane: what happens and is in no room's history, for `chat hooks`. With CHAT_WEBHOOKS such a
-- script has, behind all others, the keys of the lane's log, events and news, and the arguments of its
-- channel, how many events the log keeps and the room id; they are taken off here.
--
-- The log is a hash whose field s is the seq of the last event, the events a list of the last ones:
-- `<ms>:<JSON without its opening brace>`. Among the news it is the room `/`, which no room is called.

local lane_news = table.remove(KEYS)
local lane_events = table.remove(KEYS)
local lane_log = table.remove(KEYS)
local event_room = table.remove(ARGV)
local events_max = tonumber(table.remove(ARGV))
local lane_channel = table.remove(ARGV)

local function note_event(event)
  local time = redis.call('TIME')
  local now_ms = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
  local seq = redis.call('HINCRBY', lane_log, 's', 1)
  if redis.call('RPUSH', lane_events, now_ms .. ':' .. event) > events_max then
    redis.call('LTRIM', lane_events, -events_max, -1)
  end
  note_news(lane_news, lane_channel, '/', seq)
end

-- `user` is JSON of what is said of the user, without its opening brace.
local function note_move(kind, count, user)
  local head = string.format('"type":"%s","roomId":"%s","memberCount":%d,', kind, event_room, count)
  note_event(head .. user)
end

