-- Where a user's read marker is today. Prelude of marker_set and marker_read.
--
-- The markers of a room are a hash: user to "<epoch>:<seq>", up to where that user has read. A marker
-- is not touched when its stream forks: the lineage of the stream says what it is worth.

-- Returns up to where a position still holds in a stream, nil when its epoch is unknown there.
local function still_true(epoch, seq, stream_epoch, head, lineage)
  if epoch == stream_epoch then
    return math.min(seq, head)
  end
  local common = head
  for earlier, last in string.gmatch(lineage, '(%S+)@(%d+)') do
    common = math.min(common, tonumber(last))
    if earlier == epoch then
      return math.min(seq, common)
    end
  end
  return nil
end

-- The same of a marker as it is kept; nil also where there is none.
local function marker_now(kept, stream_epoch, head, lineage)
  local epoch, seq = string.match(kept or '', '^(%S+):(%d+)$')
  return epoch and still_true(epoch, tonumber(seq), stream_epoch, head, lineage)
end

