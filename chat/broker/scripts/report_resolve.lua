-- Note what came of a report, once, in the audit trail too.
--
-- KEYS, ARGV up to 2: see _reports   KEYS[3] audit
-- ARGV[3] id of the report   ARGV[4] what came of it   ARGV[5] audit size   ARGV[6] the act
-- Returns 'ok', 'dup' if it was resolved before, 'gone' if there is no such report
-- Complexity: O(log n).

if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then
  return 'gone'
end
local now_ms = make_room(tonumber(ARGV[1]))
if redis.call('HSETNX', KEYS[2], ARGV[3], string.format('%d', now_ms) .. ':' .. ARGV[4]) == 0 then
  return 'dup'
end
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', 'a', ARGV[6])
return 'ok'
