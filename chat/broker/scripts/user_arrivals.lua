-- Note that users who have just come are connected to a worker, and return what is known of those
-- of whom there is anything to know.
--
-- KEYS    presence of the users
-- ARGV[1] worker id   ARGV[2] how long last seen is kept, ms   ARGV[3] how long a choice is kept, ms
-- ARGV[4] longest time between two notes of a worker, ms
-- Returns for each {state or '', status, last seen or '0', worker id, 1 or i, ...}, or 0 for who is
-- on this worker alone and chose nothing
-- Atomicity: that of user_presence, for each of them.
-- Complexity: O(users x workers that have the user).

local seen_ttl, choice_ttl, beat_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = {}
for i, key in ipairs(KEYS) do
  local user = note(key, ARGV[1], '1', 0, seen_ttl, choice_ttl, beat_ms, '', '')
  known[i] = (user[1] == '' and user[2] == '' and #user == 5) and 0 or user
end
return known
