-- Telling `chat hooks` that a room has news, in the step that makes them. With CHAT_WEBHOOKS a prelude of
-- the scripts that note any.

-- The score is the first seq that nobody has taken note of; a room that is noted stays as it is, so that a
-- busy room costs no more than that look. What is published may be lost: the set is what counts.
local function note_news(news, channel, room, seq)
  if redis.call('ZADD', news, 'NX', seq, room) == 1 then
    redis.call(PUBLISH, channel, room)
  end
end

