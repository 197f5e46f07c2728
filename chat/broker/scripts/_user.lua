-- Presence of a user: a hash of the fields s, the state chosen, a away or b busy; t, the status text;
-- k, when both end, should nobody come back before (ms); l, last seen (ms); and for each worker that
-- has connections of the user w<worker id>: 1, i when all of them are idle, or the time (ms) until
-- which a user whose worker ended counts as connected.

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

-- Note where a user is connected and what the user chose.
--
-- key         presence of the user
-- worker      worker id, '' to read only
-- has         what it has: 1, i, '' nothing any more, or g<ms>: nothing, but the user has a grace
-- ago         since how long, ms
-- seen_ttl    how long last seen is kept, ms, 0 = not at all
-- choice_ttl  how long a choice is kept, ms
-- beat_ms     longest time between two notes of a worker, ms
-- choice      a, b, o takes it back, '' leaves it
-- status      =<status text>, '' leaves it
-- Returns {state or '', status, last seen or '0', worker id, 1 or i, ...}, the own worker last
-- Complexity: O(workers that have the user)
local function note(key, worker, has, ago, seen_ttl, choice_ttl, beat_ms, choice, status)
  local own = worker ~= '' and 'w' .. worker
  local found, places, others = {}, {}, 0
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    if string.sub(field, 1, 1) ~= 'w' then
      found[field] = value
    elseif field ~= own then
      if value == '1' or value == 'i' or tonumber(value) > now_ms then
        places[#places + 1] = string.sub(field, 2)
        places[#places + 1] = value == 'i' and 'i' or '1'
        others = others + 1
      else
        redis.call('HDEL', key, field)
      end
    else
      found.own = value
    end
  end

  local is_over = found.k and tonumber(found.k) < now_ms and others == 0
  if is_over and found.own ~= '1' and found.own ~= 'i' then
    redis.call('HDEL', key, 's', 't', 'k')
    found.s, found.t, found.k = nil, nil, nil
  end

  if own then
    local grace = string.match(has, '^g(%d+)$')
    if choice == 'o' then
      redis.call('HDEL', key, 's')
      found.s = nil
    elseif choice ~= '' then
      redis.call('HSET', key, 's', choice)
      found.s = choice
    end
    if status == '=' then
      redis.call('HDEL', key, 't')
      found.t = nil
    elseif status ~= '' then
      found.t = string.sub(status, 2)
      redis.call('HSET', key, 't', found.t)
    end
    if has == '1' or has == 'i' then
      redis.call('HSET', key, own, has)
      if found.k then
        redis.call('HDEL', key, 'k')
      end
      places[#places + 1] = worker
      places[#places + 1] = has
      local ttl = math.max(seen_ttl, choice_ttl) + beat_ms
      redis.call('PEXPIRE', key, string.format('%d', ttl))
    else
      if grace then
        redis.call('HSET', key, own, string.format('%d', now_ms + grace))
      else
        redis.call('HDEL', key, own)
      end
      local was_there = found.own == '1' or found.own == 'i'
      if was_there and seen_ttl > 0 then
        found.l = string.format('%d', math.max(tonumber(found.l or 0), now_ms - ago))
        redis.call('HSET', key, 'l', found.l)
      end
      if others == 0 and (was_there or grace) then
        local ttl = found.l and seen_ttl or 0
        if found.s or found.t then
          ttl = math.max(ttl, choice_ttl)
          redis.call('HSET', key, 'k', string.format('%d', now_ms + choice_ttl))
        end
        ttl = math.max(ttl, tonumber(grace or 0))
        if ttl > 0 then
          redis.call('PEXPIRE', key, string.format('%d', ttl))
        else
          redis.call('DEL', key)
        end
      end
    end
  end

  local last_seen = seen_ttl > 0 and found.l or '0'
  if now_ms - tonumber(last_seen) > seen_ttl then
    last_seen = '0'
  end
  return { found.s or '', found.t or '', last_seen, unpack(places) }
end

