"""Patterns of room ids, as tokens and settings use them."""

import re


class Pattern:
    """A room pattern: `*` stands for any run of characters, everything else for itself.

    Matched part by part from the left, which is linear; a regular expression of many `.*` is not.
    """

    __slots__ = ("_parts",)

    def __init__(self, text: str) -> None:
        self._parts = re.sub(r"\*+", "*", text).split("*")

    def matches(self, room_id: str) -> bool:
        """Whether the pattern covers all of a room id. Cost: linear in their lengths."""
        first, *middle = self._parts
        if not middle:
            return room_id == first
        last = middle.pop()
        if not room_id.startswith(first) or len(room_id) < len(first) + len(last):
            return False
        if not room_id.endswith(last):
            return False
        at, end = len(first), len(room_id) - len(last)
        for part in middle:
            found = room_id.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True
