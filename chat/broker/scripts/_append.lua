-- What every record that is stored goes through. Prelude of room_publish, room_fold, room_change,
-- roster_change and listing_set, which have these in common:
--
-- KEYS[1] stream   KEYS[2] history   KEYS[3] sent, if ARGV[9]   the last one: sanctions
-- the one before the last: roster, in rooms that have one
-- ARGV[1] channel          ARGV[2] history id       ARGV[3] fresh epoch
-- ARGV[4] message id       ARGV[5] record body      ARGV[6] history size
-- ARGV[7] history ttl ms   ARGV[8] stream ttl ms   (6 and 7: where the room has no rule of its own)
-- ARGV[9] idempotency ms, 0 = no client message id   the last one: user

local idempotency_ms = tonumber(ARGV[9])

-- Returns the answer to a retry; nil when nothing was stored by this client id.
local function stored_before()
  local sent = idempotency_ms > 0 and redis.call('GET', KEYS[3])
  if sent then
    local epoch, seq, timestamp, id = string.match(sent, '^(%S+) (%S+) (%S+) (%S+)$')
    return { 'dup', epoch, seq, timestamp, id }
  end
end

-- Returns the answer to who is banned or muted; nil for others. `acts` comes from open_stream.
local function sanctioned(acts, now_ms)
  local kind, left_ms = sanction_against(KEYS[1], KEYS[#KEYS], acts, ARGV[#ARGV], now_ms)
  if kind then
    return { kind, left_ms }
  end
end

-- Returns the answer to who has no seat in the roster; nil for others, and in rooms without a roster.
-- `at` is where KEYS would name it.
local function outside(at)
  if #KEYS > at then
    local seat = redis.call('HGET', KEYS[at], 'u' .. ARGV[#ARGV])
    if string.sub(seat or '', 2, 2) ~= 'j' then
      return { 'outside' }
    end
  end
end

-- Give the record the next seq, append, trim, expire, remember the client id, publish.
-- The body is ARGV[5] unless another is given.
-- Returns {'ok', epoch, seq, timestamp, message id}
local function append(letter, epoch, refresh, now_ms, body)
  local timestamp = string.format('%d', now_ms)
  local seq = string.format('%d', redis.call('HINCRBY', KEYS[1], 's', 1))
  local record = letter .. epoch .. ':' .. seq .. ':' .. timestamp .. ':' .. (body or ARGV[5])
  local size, age_ms = tonumber(ARGV[6]), nil
  if rules then
    size, age_ms = rules.size or size, rules.age_ms
  end
  local length = redis.call('RPUSH', KEYS[2], record)
  local over = age_ms and over_in(KEYS[2], length, size, age_ms) or length - size
  if over > 0 then
    -- As a rule one; in words, as Redis writes numbers out with more care than that takes.
    redis.call('LTRIM', KEYS[2], over == 1 and '1' or math.min(over, DROPPED_MAX), '-1')
  end
  if now_ms >= refresh then
    -- Two calls saved on most records: an expiry is set a sixteenth longer, and renewed that often.
    local ttl_ms = age_ms or tonumber(ARGV[7])
    local spare = math.floor(ttl_ms / 16)
    redis.call('PEXPIRE', KEYS[2], string.format('%d', ttl_ms + spare))
    if rules then
      redis.call('PERSIST', KEYS[1])
    else
      redis.call('PEXPIRE', KEYS[1], string.format('%d', ARGV[8] + spare))
    end
    redis.call('HSET', KEYS[1], 'x', string.format('%d', now_ms + spare))
  end
  if idempotency_ms > 0 then
    local sent = table.concat({ epoch, seq, timestamp, ARGV[4] }, ' ')
    redis.call('SET', KEYS[3], sent, 'PX', idempotency_ms)
  end
  redis.call(PUBLISH, ARGV[1], record)
  if NEWS then
    tell_news(seq)
  end
  return { 'ok', epoch, seq, timestamp, ARGV[4] }
end

