-- Telling `chat hooks` that a room has news, in the step that makes them. Prelude of scripts that store.
--
-- With CHAT_WEBHOOKS the local NEWS is true, and such a script has further
-- KEYS, just before the last one: the news of the room's lane, a sorted set of rooms
-- ARGV, just before the last one: the lane's channel, the room id
--
-- The score is the first seq that nobody has taken note of; a room that is noted stays as it is, so that a
-- busy room costs no more than that look. What is published may be lost: the set is what counts.

local function tell_news(news, channel, room, seq)
  if redis.call('ZADD', news, 'NX', seq, room) == 1 then
    redis.call(PUBLISH, channel, room)
  end
end

