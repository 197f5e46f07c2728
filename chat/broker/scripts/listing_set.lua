-- Put a room on a user's list of rooms or take it off, and tell the user in the inbox.
--
-- KEYS, ARGV up to 9: see _append, of the user's inbox   KEYS[4] listing
-- ARGV[10] room   ARGV[11] what the list says of it, '' takes it off
-- Returns {'ok', epoch, seq, timestamp, message id}      stored and published
--         {'same'}                                       the list says so already, nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: the list and the inbox agree.
-- Complexity: O(1).

if (redis.call('HGET', KEYS[4], ARGV[10]) or '') == ARGV[11] then
  return { 'same' }
end
local epoch, _, _, refresh = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
if ARGV[11] == '' then
  redis.call('HDEL', KEYS[4], ARGV[10])
else
  redis.call('HSET', KEYS[4], ARGV[10], ARGV[11])
end
return append('b', epoch, refresh, time_ms())
