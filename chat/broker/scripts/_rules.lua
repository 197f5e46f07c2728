-- A room's own rules. Prelude of every script that opens a stream or tells of members.
--
-- The stream's field `r` has them, "<slow mode ms>:<history size>:<history ms>:<read-only>:<large>",
-- each of them digits, or nothing where it is not set. It is there as long as anything is said of the
-- room: its field `m`, JSON, has all of it, and is only passed on. Such a stream does not expire.

local function rules_of(text)
  local slow, size, age, read_only, large = string.match(text, '^(%d*):(%d*):(%d*):(%d*):(%d*)$')
  return {
    slow_ms = tonumber(slow),
    size = tonumber(size),
    age_ms = tonumber(age),
    read_only = read_only == '1',
    large = large == '1',
  }
end

