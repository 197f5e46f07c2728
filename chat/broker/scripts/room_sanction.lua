-- Kick, ban or mute a user in a room, or lift that, and tell the workers that have the room.
--
-- KEYS[1] stream   KEYS[2] sanctions
-- ARGV[1] channel   ARGV[2] b ban, m mute, k kick   ARGV[3] user   ARGV[4] who acts
-- ARGV[5] for how long, ms; 0 for good, -1 lifts it   ARGV[6] details to be kept
-- ARGV[7] what the workers are told, JSON   ARGV[8] how many sanctions a room may have
-- ARGV[9] for how long a lifted one is remembered, ms
-- Returns {'ok', act} | {'banned', ms left} who acts is | {'full'}
-- Atomicity: what holds is told, and what is told holds.
-- Complexity: O(1); some that have ended are dropped on the way, each time from where the last act
-- left off.

local SWEPT = 16
local FIELDS = 4 -- beside the sanctions

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local field, duration_ms = ARGV[2] .. ARGV[3], tonumber(ARGV[5])
local f = redis.call('HMGET', KEYS[2], '#', '!', '$', '~', field, 'b' .. ARGV[4])
local known = f[5]
local banned_ms = time_left(f[6], now_ms)
if banned_ms ~= 0 then
  return { 'banned', banned_ms }
end
if duration_ms < 0 and not known then
  return { 'ok', f[1] or '0' }
end
local last_act, lasting, ends_ms = f[1] or '0', tonumber(f[2] or 0), tonumber(f[3] or 0)
local act = string.format('%d', math.max(time[1] * 1000000 + time[2], tonumber(last_act) + 1))

local page = redis.call('HSCAN', KEYS[2], f[4] or '0', 'COUNT', SWEPT)
local some = page[2]
for i = 1, #some, 2 do
  if string.find(some[i], '^[bmk]') and time_left(some[i + 1], now_ms) == 0 then
    redis.call('HDEL', KEYS[2], some[i])
  end
end
if not known and redis.call('HLEN', KEYS[2]) - FIELDS >= tonumber(ARGV[8]) then
  redis.call('HSET', KEYS[2], '~', page[1])
  return { 'full' }
end
if time_left(known, now_ms) == -1 then
  lasting = lasting - 1
end
if duration_ms < 0 then
  redis.call('HDEL', KEYS[2], field)
  ends_ms = math.max(ends_ms, now_ms + tonumber(ARGV[9]))
else
  local own_ms = NEVER_MS
  if duration_ms == 0 then
    lasting = lasting + 1
  else
    own_ms = now_ms + duration_ms
    ends_ms = math.max(ends_ms, own_ms)
  end
  local sanction = string.format('%d', own_ms) .. ':' .. act .. ':' .. ARGV[6]
  redis.call('HSET', KEYS[2], field, sanction)
end
local last_end = string.format('%d', ends_ms)
redis.call('HSET', KEYS[2], '#', act, '!', lasting, '$', last_end, '~', page[1])
if lasting > 0 then
  redis.call('PERSIST', KEYS[2])
else
  redis.call('PEXPIREAT', KEYS[2], last_end)
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'a', act)
end
local left_ms = string.format('%d', duration_ms == 0 and -1 or math.max(0, duration_ms))
local head = table.concat({ act, last_act, left_ms, ARGV[2] }, ':')
redis.call(PUBLISH, ARGV[1], 's' .. head .. ':' .. ARGV[7])
return { 'ok', act }
