-- Take a dead lease's members out of one room, some at a time.
--
-- KEYS[1] members   KEYS[2] held by the dead lease   KEYS[3] stream
-- ARGV[1] channel   ARGV[2] how many at most   ARGV[3] members above which there are no events,
-- unless the room's rules say never
-- Returns {how many members the lease still holds, user id, ...}: those that it held
-- Atomicity: each call leaves count, list and events in agreement; calls may be repeated.
-- Complexity: O(ARGV[2] + empty buckets of the hash).

local held, cursor = {}, '0'
repeat -- a page may be empty although members are left
  local page = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', ARGV[2])
  cursor = page[1]
  for _, item in ipairs(page[2]) do
    held[#held + 1] = item
  end
until cursor == '0' or #held >= 2 * tonumber(ARGV[2])
local users = {}
local own = redis.call('HGET', KEYS[3], 'r')
local large = own and rules_of(own).large and -1 or tonumber(ARGV[3])
for i = 1, #held, 2 do
  local user = held[i]
  users[#users + 1] = user
  redis.call('HDEL', KEYS[2], user)
  local value = redis.call('HGET', KEYS[1], user)
  local leases = value and tonumber(string.match(value, '^(%d+)|')) or 0
  if leases > 1 then
    redis.call('HSET', KEYS[1], user, (leases - 1) .. '|' .. string.match(value, '^%d+|(.*)$'))
  elseif leases == 1 then
    redis.call('HDEL', KEYS[1], user)
    local count = redis.call('HLEN', KEYS[1])
    if NEWS then
      note_move('user_left', count, '"userId":' .. cjson.encode(user) .. '}')
    end
    if count <= large then
      redis.call(PUBLISH, ARGV[1], 'l' .. count .. ':' .. cjson.encode(user))
    end
  end
end
local count = redis.call('HLEN', KEYS[1])
if #held > 0 and count > large then
  redis.call(PUBLISH, ARGV[1], 'n' .. count)
end
return { redis.call('HLEN', KEYS[2]), unpack(users) }
