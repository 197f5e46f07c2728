"""Text of others made harmless for a terminal: pure."""

import re

#: Control characters, with which a text could move the cursor, change the title or type for one,
#: and those that turn the direction of writing, with which it could look like another.
#: Source: ECMA-48 sections 5.2 to 5.4, Unicode UAX 9 section 2.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """Return text with what a terminal would obey written out, ESC as x1b; lines stay lines."""
    return _HARMFUL.sub(lambda found: _written_out(found[0]), text)


def one_line(text: str) -> str:
    """Return the same on one line, for names."""
    return plain(text).replace("\n", " ").replace("\t", " ")


def indented(text: str) -> str:
    """Return the same with every further line set in, so that none looks like another's message."""
    return plain(text).replace("\n", "\n    ")


def plain_json(text: str) -> str:
    """Return JSON text with the same characters as JSON writes them out: it means the same."""
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
