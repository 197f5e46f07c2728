-- Publish one message: dedupe, sanctions, slow mode, next seq, append, trim, expire, publish.
--
-- KEYS, ARGV up to 9: see _append   KEYS[4] slow, if ARGV[10]   KEYS[5] roster, where there is one
-- ARGV[10] slow mode ms, 0 = off
-- Returns {'ok', epoch, seq, timestamp, message id}      stored and published
--         {'dup', epoch, seq, timestamp, message id}     was stored before, by this client id
--         {'slow', wait ms}                              nothing stored
--         {'banned' or 'muted', ms left, -1 for good}    nothing stored
--         {'outside'}                                    not in the roster, nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; nothing is published that is not in history.
-- Complexity: O(1) but for the one element that LTRIM drops.

local before = stored_before()
if before then
  return before
end
local epoch, _, _, refresh, acts = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
local now_ms = time_ms()
local refusal = outside(5) or sanctioned(acts, now_ms)
if refusal then
  return refusal
end
local slow_ms = tonumber(ARGV[10])
if slow_ms > 0 and not redis.call('SET', KEYS[4], '1', 'PX', slow_ms, 'NX') then
  return { 'slow', redis.call('PTTL', KEYS[4]) }
end
return append('m', epoch, refresh, now_ms)
