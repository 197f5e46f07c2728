-- Note where a user is connected and what the user chose, and return what is known of the user.
--
-- KEYS[1] presence of the user
-- ARGV[1] worker id   ARGV[2] what it has   ARGV[3] since how long, ms
-- ARGV[4] how long last seen is kept, ms   ARGV[5] how long a choice is kept, ms
-- ARGV[6] longest time between two notes of a worker, ms   ARGV[7] state chosen
-- ARGV[8] status text (all as in _user.lua)
-- Returns {state or '', status, last seen or '0', worker id, 1 or i, ...}
-- Atomicity: of choices made on several workers at once the last one holds, and all say so.
-- Complexity: O(workers that have the user).

return note(
  KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]),
  ARGV[7], ARGV[8]
)
