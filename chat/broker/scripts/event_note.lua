-- Note events of users for `chat hooks`, in this order.
--
-- KEYS, and the last ARGV: see _events   ARGV[1...] events, JSON without its opening brace
-- Returns how many
-- Complexity: O(events).

for _, event in ipairs(ARGV) do
  note_event(event)
end
return #ARGV
