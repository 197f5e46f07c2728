-- Note events of users for `chat hooks`, in this order.
--
-- KEYS[1] log   KEYS[2] events   KEYS[3] news of the lane
-- ARGV[1] the lane's channel   ARGV[2] how many events the log keeps   ARGV[3...] events, JSON without
-- its opening brace
-- Returns how many
-- Complexity: O(events).

for i = 3, #ARGV do
  note_event(1, ARGV[1], ARGV[2], ARGV[i])
end
return #ARGV - 2
