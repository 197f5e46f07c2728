-- Change who belongs to a room, and store the events that say so.
--
-- KEYS, ARGV up to 9: see _append; ARGV[5] is not used
-- KEYS[4] unsettled   KEYS[5] read markers   KEYS[6] delivered markers   KEYS[7] roster
-- ARGV[10] the field # of the roster as the caller has judged it, '' where there was no roster
-- ARGV[11] owners then   ARGV[12] seats then   ARGV[13] 1: who is banned may do this all the same
-- ARGV[14] ... for each user: user, code of the seat or '' for none, body of the event
-- Returns {'ok', epoch, seq, timestamp, message id}      stored and published; of the last event
--         {'dup', epoch, seq, timestamp, message id}     was stored before, by this client id
--         {'raced', ''}                                  the roster is another by now, nothing stored
--         {'banned', ms left, -1 for good}               nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; roster and order never disagree.
-- Complexity: O(users).
--
-- A roster is a hash: u<user> is "<code>:<since, ms>:<epoch>:<seq>" with the place of the event that
-- made it so; # is "<epoch>:<seq>:<owners>:<seats>" with the place of the last event. It has no expiry.
-- With the last seat all goes that was said in the room, and what moderators did: who makes a room of
-- this id later begins with nothing.

local before = stored_before()
if before then
  return before
end
local epoch, _, _, refresh, acts = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
local unsettled, roster = KEYS[4], KEYS[7]
if (redis.call('HGET', roster, '#') or '') ~= ARGV[10] then
  return { 'raced', '' }
end
local now_ms = time_ms()
local refusal = ARGV[13] ~= '1' and sanctioned(acts, now_ms)
if refusal and refusal[1] == 'banned' then
  return refusal
end
local answer
for i = 14, #ARGV - 1, 3 do
  local user, code = ARGV[i], ARGV[i + 1]
  answer = append('g', epoch, refresh, now_ms, ARGV[i + 2])
  if code == '' then
    redis.call('HDEL', roster, 'u' .. user)
  else
    local known = redis.call('HGET', roster, 'u' .. user) or ''
    local state, since = string.match(known, '^.(.):(%d+):')
    if state ~= string.sub(code, 2) then
      since = string.format('%d', now_ms)
    end
    local seat = table.concat({ code, since, epoch, answer[3] }, ':')
    redis.call('HSET', roster, 'u' .. user, seat)
  end
  redis.call('HSET', unsettled, user, ARGV[#ARGV])
end
if ARGV[12] == '0' then
  redis.call('DEL', KEYS[1], KEYS[2], unsettled, KEYS[5], KEYS[6], roster, KEYS[8])
else
  redis.call('HSET', roster, '#', table.concat({ epoch, answer[3], ARGV[11], ARGV[12] }, ':'))
end
return answer
