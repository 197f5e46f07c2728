-- Take note of a lane's news for the endpoints of `chat hooks`: from there on each has a cursor of its own.
--
-- KEYS[1] news   KEYS[2...] what is due to each endpoint: a sorted set of rooms by the next seq
-- ARGV: triples of room, seq as it was read, numbers of the endpoints that want the room, commas between
-- Returns how many were taken: those that somebody else took are left alone
-- Atomicity: a room is among the news or due, at any time.
-- Complexity: O(rooms * endpoints).

local taken = 0
for i = 1, #ARGV, 3 do
  local room, seq = ARGV[i], ARGV[i + 1]
  if tonumber(redis.call('ZSCORE', KEYS[1], room) or -1) == tonumber(seq) then
    redis.call('ZREM', KEYS[1], room)
    for number in string.gmatch(ARGV[i + 2], '%d+') do
      redis.call('ZADD', KEYS[1 + number], 'NX', seq, room)
    end
    taken = taken + 1
  end
end
return taken
