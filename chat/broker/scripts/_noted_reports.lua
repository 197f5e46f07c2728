-- Telling `chat hooks` of reports. With CHAT_WEBHOOKS a prelude of report_add, which then has, behind all
-- others, the keys of the head, the ids and the lane's news, and the argument of its channel; they are taken
-- off here.
--
-- The head is a hash whose field s is the seq of the last report noted, the ids a list of the last ones noted:
-- so the reports that are kept are the queue, and none is there twice. Among the news they are the room
-- `/reports`, which no room is called.

local reports_news = table.remove(KEYS)
local noted_ids = table.remove(KEYS)
local noted_head = table.remove(KEYS)
local reports_channel = table.remove(ARGV)

-- Note a report that was added; no more are noted than are kept.
local function note_report(id, kept, kept_ms)
  redis.call('RPUSH', noted_ids, id)
  redis.call('LTRIM', noted_ids, -kept, -1)
  redis.call('PEXPIRE', noted_ids, kept_ms)
  note_news(reports_news, reports_channel, '/reports', redis.call('HINCRBY', noted_head, 's', 1))
end
