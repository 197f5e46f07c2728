-- Keep a report of a message and note it in the audit trail, once per user and message.
--
-- KEYS, ARGV up to 2: see _reports, and behind all others with CHAT_WEBHOOKS: see _noted_reports
-- KEYS[3] audit   KEYS[4] that this user has reported this message   KEYS[5] how many, this hour
-- ARGV[3] the report   ARGV[4] audit size   ARGV[5] the act   ARGV[6] reports per user and hour
-- Returns {'ok'}             kept and noted
--         {'dup'}            this user has reported it already
--         {'many', ms}       nothing kept: as many as a user may report for so long
-- Atomicity: a report that is kept is noted for `chat hooks`, too.
-- Complexity: O(log n), and O(1) for each that is forgotten.

if redis.call('EXISTS', KEYS[4]) == 1 then
  return { 'dup' }
end
local count = redis.call('INCR', KEYS[5])
if count == 1 then
  redis.call('PEXPIRE', KEYS[5], 3600000)
end
if count > tonumber(ARGV[6]) then
  return { 'many', redis.call('PTTL', KEYS[5]) }
end
make_room(ARGV[1] - 1)
local id = redis.call('XADD', KEYS[1], '*', 'r', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[4], '1', 'PX', ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'a', ARGV[5])
if NEWS then
  note_report(id, redis.call('XLEN', KEYS[1]), ARGV[2])
end
return { 'ok' }
