-- Store an event about a message, and fold it into the message's record in the same step.
--
-- KEYS, ARGV up to 9: see _append   KEYS[4] roster, where there is one; ARGV[4] is the id of the message that the event names
-- ARGV[10] letter of the event's record
-- ARGV[11] seq of the message   ARGV[12] SHA-1 of its record as the caller has seen it
-- ARGV[13] what its body becomes, without what is known only here
-- ARGV[14] 1: the event is an edit, and the message notes when and where
-- ARGV[15] seq of an edit that this event overtakes, 0 = none: that event loses its content
-- ARGV[16] time (ms) after which it is too late, 0 = never
-- ARGV[17] -1: the user may moderate, and may edit where others only read
-- Returns {'ok', epoch, seq, timestamp, message id}      stored, folded and published
--         {'dup', epoch, seq, timestamp, message id}     was stored before, by this client id
--         {'raced', record}                              the record is this now ('': it is gone)
--         {'late'}, {'read_only'}                        nothing stored
--         {'banned' or 'muted', ms left, -1 for good}    nothing stored
--         {'outside'}                                    not in the roster, nothing stored
--         {'stale'}                                      history id is out of date, nothing stored
-- Atomicity: one script; whoever reads the list finds event and fold, or neither.
-- Complexity: O(records between the message and the nearer end of the list).
--
-- The list ends at the head, so the record with seq q is at index q - head - 1.

local before = stored_before()
if before then
  return before
end
local epoch, head, _, refresh, acts = open_stream(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
if not epoch then
  return { 'stale' }
end
local now_ms, latest_ms = time_ms(), tonumber(ARGV[16])
local refusal = outside(4) or sanctioned(acts, now_ms)
if refusal then
  return refusal
end
if rules and rules.read_only and ARGV[14] == '1' and ARGV[17] ~= '-1' then
  return { 'read_only' }
end
local at = ARGV[11] - head - 1
local size = rules and rules.size or tonumber(ARGV[6])
local record = at < 0 and -at <= size and redis.call('LINDEX', KEYS[2], at)
if record and rules and rules.age_ms then
  local stamp = tonumber(string.match(record, '^[^:]*:%d+:(%d+):'))
  record = stamp >= now_ms - rules.age_ms and record
end
if floor and tonumber(ARGV[11]) <= floor then
  record = false
end
if not record or redis.sha1hex(record) ~= ARGV[12] then
  return { 'raced', record or '' }
end
if latest_ms > 0 and now_ms > latest_ms then
  return { 'late' }
end
local stamps = string.format('"version":%d,', head + 1)
if ARGV[14] == '1' then
  stamps = stamps .. string.format('"editedAt":%d,"editedSeq":%d,', now_ms, head + 1)
end
redis.call('LSET', KEYS[2], at, string.match(record, '^m[^:]*:%d+:%d+:') .. stamps .. ARGV[13])
if ARGV[15] ~= '0' then
  -- The last `,"content":` of an edit is that of its own content, as no string can hold one.
  at = ARGV[15] - head - 1
  local edit = redis.call('LINDEX', KEYS[2], at)
  local rest = edit and string.match(edit, '^(e.*),"content":')
  if rest then
    redis.call('LSET', KEYS[2], at, rest .. '}')
  end
end
return append(ARGV[10], epoch, refresh, now_ms)
