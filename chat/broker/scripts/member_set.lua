-- Add a member to a room, or take it out, on behalf of one lease.
--
-- KEYS[1] members   KEYS[2] held by this lease   KEYS[3] stream
-- ARGV[1] channel   ARGV[2] user id   ARGV[3] present: 1 or 0   ARGV[4] display data, JSON
-- ARGV[5] members above which a room gets no join and leave events, unless its rules say never
-- Returns {members of the room now, members this lease holds in it, 1 if the user is a member
-- already and the display data of that is another, which stays: what is put into the list here is
-- told to nobody, and would be no news any more to `member_state`}
-- Atomicity: the count, the list and the event agree.
-- Complexity: O(1).
--
-- A members value is "<leases holding the user>|<display data>". Events: j<count>:<json of the
-- member>, l<count>:<json string of the user id>, n<count> in large rooms.

local user, present = ARGV[2], ARGV[3] == '1'
local changed, differs = false, 0
if present then
  if redis.call('HSET', KEYS[2], user, '1') == 1 then
    local value = redis.call('HGET', KEYS[1], user)
    local leases, known = string.match(value or '', '^(%d+)|(.*)$')
    leases = tonumber(leases) or 0
    changed = leases == 0
    if not changed and known ~= ARGV[4] then
      differs = 1
    end
    redis.call('HSET', KEYS[1], user, (leases + 1) .. '|' .. (changed and ARGV[4] or known))
  end
elseif redis.call('HDEL', KEYS[2], user) == 1 then
  local value = redis.call('HGET', KEYS[1], user)
  local leases = value and tonumber(string.match(value, '^(%d+)|')) or 0
  if leases > 1 then
    redis.call('HSET', KEYS[1], user, (leases - 1) .. '|' .. string.match(value, '^%d+|(.*)$'))
  else
    redis.call('HDEL', KEYS[1], user)
    changed = leases == 1
  end
end
local count = redis.call('HLEN', KEYS[1])
if changed then
  if NEWS then
    local rest = present and string.sub(ARGV[4], 2) or '"userId":' .. cjson.encode(user) .. '}'
    note_move(present and 'user_joined' or 'user_left', count, rest)
  end
  local own = redis.call('HGET', KEYS[3], 'r')
  if count > tonumber(ARGV[5]) or (own and rules_of(own).large) then
    redis.call(PUBLISH, ARGV[1], 'n' .. count)
  elseif present then
    redis.call(PUBLISH, ARGV[1], 'j' .. count .. ':' .. ARGV[4])
  else
    redis.call(PUBLISH, ARGV[1], 'l' .. count .. ':' .. cjson.encode(user))
  end
end
return { count, redis.call('HLEN', KEYS[2]), differs }
