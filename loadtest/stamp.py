"""The time at which a message was due, written into its content, so that each member can tell.

T0001795485600000000J…   nanoseconds of the coordinator's CLOCK_MONOTONIC; J if it is judged
"""

JUDGED, NOT_JUDGED = ord("J"), ord("W")
MARK = b'"content":"T'
DIGITS = 19
_SIZE = 1 + DIGITS + 1


def stamp(due_ns: int, content_bytes: int, *, judged: bool) -> bytes:
    """Return a content of so many bytes."""
    letter = JUDGED if judged else NOT_JUDGED
    return b"T%019d%c%b" % (due_ns, letter, b"x" * (content_bytes - _SIZE))


def read_stamp(content: str) -> tuple[int, bool] | None:
    """Return when a message was due and whether it is judged; None if the content is not ours."""
    digits = content[1 : 1 + DIGITS]
    if content[:1] != "T" or len(content) < _SIZE or not digits.isdigit():
        return None
    return int(digits), ord(content[1 + DIGITS]) == JUDGED
