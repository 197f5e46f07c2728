-- News of what _append stores. With CHAT_WEBHOOKS the local NEWS is true, and such a script has, behind all
-- others, the key of the lane's news and the arguments of its channel and the room id. They are taken off
-- here, so that scripts count their keys and arguments as they do without webhooks.

local news_key = table.remove(KEYS)
local news_room = table.remove(ARGV)
local news_channel = table.remove(ARGV)

local function tell_news(seq)
  note_news(news_key, news_channel, news_room, seq)
end

