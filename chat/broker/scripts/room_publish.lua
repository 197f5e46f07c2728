-- Publish one message: dedupe, sanctions, rules, next seq, append, trim, expire, publish.
--
-- KEYS, ARGV up to 9: see _append   KEYS[4] slow   KEYS[5] roster, where there is one
-- ARGV[10] slow mode ms where the room has no rule of its own, 0 = off; -1 = the user may moderate, so
-- that neither slow mode nor read-only is meant
-- Returns {'ok', epoch, seq, timestamp, message id}      stored and published
--         {'dup', epoch, seq, timestamp, message id}     was stored before, by this client id
--         {'slow', wait ms}                              nothing stored
--         {'banned' or 'muted', ms left, -1 for good}    nothing stored
--         {'read_only'}                                  nothing stored
--         {'outside'}                                    not in the roster, nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; nothing is published that is not in history.
-- Complexity: O(1) but for the elements that LTRIM drops: one as a rule, DROPPED_MAX at most.

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
if rules and slow_ms >= 0 then
  if rules.read_only then
    return { 'read_only' }
  end
  slow_ms = rules.slow_ms or slow_ms
end
if slow_ms > 0 and not redis.call('SET', KEYS[4], '1', 'PX', slow_ms, 'NX') then
  return { 'slow', redis.call('PTTL', KEYS[4]) }
end
return append('m', epoch, refresh, now_ms)
