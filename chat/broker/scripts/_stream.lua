-- The birth and the forks of a room's stream. Prelude of room_publish, room_fold and room_read.
--
-- A stream is a hash: e epoch, s last seq, h the history id of the Redis that wrote last, x when to
-- renew the expiry, l lineage: "epoch@seq epoch@seq ..." of earlier epochs, newest first, each with
-- the last seq that this stream has in common with it; a the last act of moderation, see _sanctions;
-- r and m what is set of the room, see _rules; f up to which seq records are over although the rules
-- of today would keep them, see room_change.
--
-- The history id (`master_replid`) changes when Redis restarts or a replica is promoted: the
-- moments at which the log may have lost its tail. In a Redis Cluster it changes when a slot moves
-- to another master, too. The epoch changes with it, so that the same (epoch, seq) never names two
-- messages.
--
-- Whoever brings another id than the stream's is believed only if it is this server's: a worker may
-- not have noticed a promotion yet. The server is asked only then, which is once per room and change.

local LINEAGE_MAX = 8
local ID_LENGTH = 16 -- of 40 digits; what workers send

-- From open_stream on: the rules of the room, nil where nothing is set; and its field f.
local rules, floor

local function history_id_of_server()
  local id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return string.sub(id, 1, ID_LENGTH)
end

-- Returns epoch, seq, lineage, refresh, acts; or nil when `history_id` is not this server's (any
-- more). `refresh` is the time (ms) from which on the expiry has to be renewed, `acts` the field a.
local function open_stream(key, history, history_id, fresh_epoch)
  local f = redis.call('HMGET', key, 'e', 's', 'h', 'l', 'x', 'a', 'r', 'f')
  local epoch, seq, known, lineage = f[1], tonumber(f[2]), f[3], f[4] or ''
  local refresh, acts = tonumber(f[5] or 0), f[6]
  rules, floor = f[7] and rules_of(f[7]), tonumber(f[8])
  if not epoch then
    redis.call('DEL', history) -- records without their stream have no place in any order
    redis.call('HSET', key, 'e', fresh_epoch, 's', 0, 'h', history_id)
    return fresh_epoch, 0, '', 0, false
  end
  if known == history_id then
    return epoch, seq, lineage, refresh, acts
  end
  if history_id ~= history_id_of_server() then
    return nil
  end
  local kept = { epoch .. '@' .. seq }
  for entry in string.gmatch(lineage, '%S+') do
    if #kept < LINEAGE_MAX then
      kept[#kept + 1] = entry
    end
  end
  lineage = table.concat(kept, ' ')
  redis.call('HSET', key, 'e', fresh_epoch, 'h', history_id, 'l', lineage)
  return fresh_epoch, seq, lineage, refresh, acts
end

