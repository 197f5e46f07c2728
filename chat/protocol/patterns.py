"""Patterns of room ids, as tokens and settings use them."""

import re


class Pattern:
    """A room pattern: `*` stands for any run of characters, everything else for itself.

    Matched part by part from the left, which is linear; a regular expression of many `.*` is not.
    """

    __slots__ = ("_first", "_last", "_middle")

    def __init__(self, text: str) -> None:
        first, *rest = re.sub(r"\*+", "*", text).split("*")
        self._first = first
        self._last = rest.pop() if rest else None  # None: the pattern has no star
        self._middle = tuple(rest)

    def matches(self, room_id: str) -> bool:
        """Whether the pattern covers all of a room id. Cost: linear in their lengths."""
        first, last = self._first, self._last
        if last is None:
            return room_id == first
        if not (room_id.startswith(first) and room_id.endswith(last)):
            return False
        at, end = len(first), len(room_id) - len(last)
        if at > end:
            return False
        for part in self._middle:
            found = room_id.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True
