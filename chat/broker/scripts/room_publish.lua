-- Publish one message: dedupe, sanctions, slow mode, next seq, append, trim, expire, publish.
--
-- KEYS[1] stream   KEYS[2] history   KEYS[3] sent, if ARGV[9]   KEYS[4] slow, if ARGV[10]
-- KEYS[5] sanctions
-- ARGV[1] channel          ARGV[2] history id       ARGV[3] fresh epoch
-- ARGV[4] message id       ARGV[5] record body      ARGV[6] history size
-- ARGV[7] history ttl ms   ARGV[8] stream ttl ms
-- ARGV[9] idempotency ms, 0 = no client message id  ARGV[10] slow mode ms, 0 = off
-- ARGV[11] user
-- Returns {'ok', epoch, seq, timestamp, message id}      stored and published
--         {'dup', epoch, seq, timestamp, message id}     was stored before, by this client id
--         {'slow', wait ms}                              nothing stored
--         {'banned' or 'muted', ms left, -1 for good}    nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; nothing is published that is not in history.
-- Complexity: O(1) but for the one element that LTRIM drops.

local idempotency_ms, slow_ms = tonumber(ARGV[9]), tonumber(ARGV[10])
if idempotency_ms > 0 then
  local sent = redis.call('GET', KEYS[3])
  if sent then
    local epoch, seq, timestamp, id = string.match(sent, '^(%S+) (%S+) (%S+) (%S+)$')
    return { 'dup', epoch, seq, timestamp, id }
  end
end
local epoch, seq, _, refresh, acts = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local sanction, left_ms = sanction_against(KEYS[1], KEYS[5], acts, ARGV[11], now_ms)
if sanction then
  return { sanction, left_ms }
end
if slow_ms > 0 and not redis.call('SET', KEYS[4], '1', 'PX', slow_ms, 'NX') then
  return { 'slow', redis.call('PTTL', KEYS[4]) }
end
local timestamp = string.format('%d', now_ms)
seq = redis.call('HINCRBY', KEYS[1], 's', 1)
local record = 'm' .. epoch .. ':' .. string.format('%d', seq) .. ':' .. timestamp .. ':' .. ARGV[5]
if redis.call('RPUSH', KEYS[2], record) > tonumber(ARGV[6]) then
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[6]), -1)
end
if now_ms >= refresh then
  -- Two calls saved on most messages: an expiry is set a sixteenth longer, and renewed that often.
  local spare = math.floor(ARGV[7] / 16)
  redis.call('PEXPIRE', KEYS[2], string.format('%d', ARGV[7] + spare))
  redis.call('PEXPIRE', KEYS[1], string.format('%d', ARGV[8] + spare))
  redis.call('HSET', KEYS[1], 'x', string.format('%d', now_ms + spare))
end
if idempotency_ms > 0 then
  local sent = table.concat({ epoch, string.format('%d', seq), timestamp, ARGV[4] }, ' ')
  redis.call('SET', KEYS[3], sent, 'PX', idempotency_ms)
end
redis.call(PUBLISH, ARGV[1], record)
return { 'ok', epoch, string.format('%d', seq), timestamp, ARGV[4] }
