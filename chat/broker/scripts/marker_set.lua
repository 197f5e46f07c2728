-- Move a marker of a user forward, of what was read or of what was delivered, and tell the workers
-- that have the room.
--
-- KEYS[1] stream   KEYS[2] markers
-- ARGV[1] channel   ARGV[2] user   ARGV[3] epoch   ARGV[4] seq   ARGV[5] markers at most
-- ARGV[6] ttl ms    ARGV[7] id of the worker that asks   ARGV[8] front of what is told
-- Returns {1 when it moved, how many other markers were forgotten for it}
-- Atomicity: a marker only moves forward, whoever else moves it, and never past the head.
-- Complexity: O(1). The history id plays no part: a marker of before a fork is corrected by lineage
-- whenever it is read.
--
-- A room that has as many as it may have forgets one: of a few taken at random the one that is
-- furthest behind, which belongs to somebody who has not been here for long.

local SAMPLE = 8

local f = redis.call('HMGET', KEYS[1], 'e', 's', 'l')
local epoch, head, lineage = f[1], tonumber(f[2]), f[3] or ''
local seq = epoch and still_true(ARGV[3], tonumber(ARGV[4]), epoch, head, lineage)
if not seq then
  return { 0, 0 }
end
local kept = redis.call('HGET', KEYS[2], ARGV[2])
if seq <= (marker_now(kept, epoch, head, lineage) or 0) then
  return { 0, 0 }
end
local forgotten = 0
if not kept and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[5]) then
  local sample = redis.call('HRANDFIELD', KEYS[2], SAMPLE, 'WITHVALUES')
  local furthest, least
  for i = 1, #sample, 2 do
    local at = marker_now(sample[i + 1], epoch, head, lineage) or -1
    if not least or at < least then
      furthest, least = sample[i], at
    end
  end
  forgotten = redis.call('HDEL', KEYS[2], furthest)
end
local place = epoch .. ':' .. string.format('%d', seq)
redis.call('HSET', KEYS[2], ARGV[2], place)
local ttl = tonumber(ARGV[6])
if redis.call('PTTL', KEYS[2]) < ttl then
  redis.call('PEXPIRE', KEYS[2], string.format('%d', ttl + math.floor(ttl / 16)))
end
redis.call(PUBLISH, ARGV[1], ARGV[8] .. place .. ':' .. ARGV[7] .. ':' .. ARGV[2])
return { 1, forgotten }
