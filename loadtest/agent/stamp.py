"""The time at which a message was due, written into its content, so that each member can tell.

T0001795485600000000J…   nanoseconds of the coordinator's CLOCK_MONOTONIC, and what it counts for
"""

WARM_UP, JUDGED, STORM = b"WJS"  # the last: due when a storm had begun
MARK = b'"content":"T'
DIGITS = 19
_SIZE = 1 + DIGITS + 1


def stamp(due_ns: int, content_bytes: int, counts_for: int) -> bytes:
    """Return a content of so many bytes."""
    return b"T%019d%c%b" % (due_ns, counts_for, b"x" * (content_bytes - _SIZE))


def read_stamp(content: str) -> tuple[int, int] | None:
    """Return when a message was due and what it counts for; None if the content is not ours."""
    digits = content[1 : 1 + DIGITS]
    if content[:1] != "T" or len(content) < _SIZE or not digits.isdigit():
        return None
    return int(digits), ord(content[1 + DIGITS])
