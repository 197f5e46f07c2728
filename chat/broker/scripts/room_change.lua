-- Set what is said of a room and its rules, and store the event that tells it.
--
-- KEYS, ARGV up to 9: see _append   KEYS[4] roster, where there is one; ARGV[4] is not used
-- ARGV[10] what is set of the room as the caller has seen it, '' = nothing
-- ARGV[11] what it becomes, '' = nothing   ARGV[12] the rules among that, see _rules
-- Returns {'ok', epoch, seq, timestamp, ...}             set, stored and published
--         {'dup', epoch, seq, timestamp, ...}            was stored before, by this client id
--         {'raced', what is set}                         it is this now, nothing stored
--         {'banned' or 'muted', ms left, -1 for good}    nothing stored
--         {'outside'}                                    not in the roster, nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; the rules hold from the event's place on, in all of the cluster.
-- Complexity: as room_publish.
--
-- As long as anything is set the stream does not expire, and with it epoch and seq stay; when
-- nothing is, it expires again like any other.
--
-- What is over by the rules of before may still be in the list, and milder ones must not bring it back:
-- up to there the list counts as empty.

local before = stored_before()
if before then
  return before
end
local epoch, head, _, _, acts = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
local now_ms = time_ms()
local refusal = outside(4) or sanctioned(acts, now_ms)
if refusal then
  return refusal
end
local set = redis.call('HGET', KEYS[1], 'm') or ''
if set ~= ARGV[10] then
  return { 'raced', set }
end
local length = redis.call('LLEN', KEYS[2])
local size, age_ms = rules and rules.size or tonumber(ARGV[6]), rules and rules.age_ms
local over = age_ms and over_in(KEYS[2], length, size, age_ms) or length - size
if over > 0 then
  redis.call('HSET', KEYS[1], 'f', string.format('%d', math.max(floor or 0, head - length + over)))
end
if ARGV[11] == '' then
  redis.call('HDEL', KEYS[1], 'm', 'r')
  rules = nil
else
  redis.call('HSET', KEYS[1], 'm', ARGV[11], 'r', ARGV[12])
  rules = rules_of(ARGV[12])
end
return append('c', epoch, 0, now_ms) -- 0: the expiries are set anew, as the rules want them
