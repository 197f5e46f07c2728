-- Read the head of a room and, if asked, a range of its history.
--
-- KEYS[1] stream   KEYS[2] history   KEYS[3] members
-- ARGV[1] history id   ARGV[2] fresh epoch   ARGV[3] stream ttl ms
-- ARGV[4] first seq wanted   ARGV[5] how many (0: the head only)
-- ARGV[6] history size where the room has no rule of its own
-- Returns {epoch, seq of the head, lineage, records, members, last act of moderation or '' if that is
-- not known, what is set of the room, JSON, or ''}; {} when the history id is out of date
-- Atomicity: all of it belongs together.
-- Complexity: O(records), plus the way to the first one in the list; where records have grown too old
-- since the last time, O(log) looks for the first that has not, and DROPPED_MAX at most are dropped.
--
-- The list ends at the head, so the record with seq q is at index q - head - 1. Where `first` fell
-- off the list or is over, the page starts at the oldest record that counts: a hole shows, and is not
-- passed over.

local epoch, head, lineage, _, acts = open_stream(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if not epoch then
  return {}
end
-- A room with members keeps its epoch without messages; renewed now and then, as in room_publish.
-- A room nobody has written to is not worth remembering for long.
local ttl = tonumber(ARGV[3])
if head == 0 then
  ttl = math.min(ttl, 3600000)
end
if not rules and redis.call('PTTL', KEYS[1]) < ttl then
  redis.call('PEXPIRE', KEYS[1], string.format('%d', ttl + math.floor(ttl / 16)))
end
local first, count = tonumber(ARGV[4]), tonumber(ARGV[5])
local size, age_ms = tonumber(ARGV[6]), nil
if rules then
  size, age_ms = rules.size or size, rules.age_ms
end
local oldest = first
if age_ms or floor or (count > 0 and first <= head) then
  local length = redis.call('LLEN', KEYS[2])
  local over = age_ms and over_in(KEYS[2], length, size, age_ms) or math.max(0, length - size)
  if floor then
    over = math.max(over, floor + length - head)
    if over <= DROPPED_MAX then
      redis.call('HDEL', KEYS[1], 'f') -- the last of them go now
    end
  end
  if over > 0 then
    redis.call('LTRIM', KEYS[2], math.min(over, DROPPED_MAX), -1)
  end
  oldest = head - length + over + 1
end
local records = {}
first = math.max(first, oldest)
if count > 0 and first <= head then
  records = redis.call('LRANGE', KEYS[2], first - head - 1, math.min(first + count - 1, head) - head - 1)
end
local about = rules and redis.call('HGET', KEYS[1], 'm') or ''
return { epoch, string.format('%d', head), lineage, records, redis.call('HLEN', KEYS[3]), acts or '', about }
