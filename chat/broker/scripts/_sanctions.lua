-- What holds against users of a room. Prelude of the scripts that refuse and that sanction.
--
-- Sanctions are a hash. b<user> is a ban, m<user> a mute, k<user> a kick that some worker may not have
-- heard of yet, each "<when it ends, ms>:<act>:<details>". Beside them # the last act, ! how many
-- have no end, $ when the last of the others ends, ~ how far those that ended were swept. An act is
-- the time of this server in us, made to rise within the room.
--
-- The stream's field `a` repeats #, and is "0" where nothing holds against anybody. A stream that was
-- born after the act has none: then the hash is looked at, once.

local NEVER_MS = 9007199254740991

-- Returns the time left in ms, -1 for good, 0 for none.
local function time_left(sanction, now_ms)
  local ends_ms = sanction and tonumber(string.match(sanction, '^(%d+):')) or 0
  if ends_ms == NEVER_MS then
    return -1
  end
  return math.max(0, ends_ms - now_ms)
end

-- Returns 'banned' or 'muted' and the time left, or nil. `acts` is the field `a` of the stream.
local function sanction_against(stream, sanctions, acts, user, now_ms)
  if acts == '0' then
    return nil
  end
  local f = redis.call('HMGET', sanctions, '#', 'b' .. user, 'm' .. user)
  local last_act = f[1] or '0'
  if acts ~= last_act then
    redis.call('HSET', stream, 'a', last_act)
  end
  local ban_ms = time_left(f[2], now_ms)
  if ban_ms ~= 0 then
    return 'banned', ban_ms
  end
  local mute_ms = time_left(f[3], now_ms)
  if mute_ms ~= 0 then
    return 'muted', mute_ms
  end
end

