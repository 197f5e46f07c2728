"""A text in the form in which words are compared, and where each part of it comes from.

Compatibility forms are unified (NFKC), case is folded, and characters that show nothing are left
out, so that `ＢＡＤ`, `bàd` written with a combining accent and a word with a soft hyphen in it are
found. What looks alike and is not, a Cyrillic a for a Latin one, stays different.

Source: Unicode Standard Annex 15 and section 3.13, toNFKC_Casefold, with all format characters
(Cf) and variation selectors for Default_Ignorable_Code_Point.
"""

import unicodedata
from typing import NamedTuple

#: A segment is not looked at as a whole beyond this: a mark may be repeated thousands of times.
SEGMENT_MAX = 32


class Plain(NamedTuple):
    """A text to compare.

    Args:
        text: as it is compared.
        starts: for each character of it, where its source begins in the text it was made of;
            None where both are the same, place by place.
        ends: where that source ends.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that a span of this one, not empty, is made of."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def plain(text: str) -> Plain:
    """Return a text in the form in which words are compared. Cost: linear in its length."""
    if text.isascii():
        return Plain(text.lower())
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for segment in _segments(text):
        folded = fold(segment)
        parts.append(folded)
        starts += [at] * len(folded)
        at += len(segment)
        ends += [at] * len(folded)
    return Plain("".join(parts), starts, ends)


def fold(text: str) -> str:
    """Return what one segment becomes."""
    seen = "".join(char for char in text if not _shows_nothing(char))
    return _nfkc(_nfkc(seen).casefold())


def _segments(text: str) -> list[str]:
    """Split a text where normalizing the parts gives the same as normalizing the whole."""
    segments: list[str] = []
    current = ""
    for char in text:
        if current and len(current) < SEGMENT_MAX and _belongs(current, char):
            current += char
        else:
            if current:
                segments.append(current)
            current = char
    segments.append(current)
    return segments


def _belongs(segment: str, char: str) -> bool:
    """Whether a character changes with what is before it: a mark, or a part of a syllable."""
    if char.isascii():
        return False
    if unicodedata.combining(char) or _shows_nothing(char):
        return True
    return _nfkc(segment + char) != _nfkc(segment) + _nfkc(char)


def _shows_nothing(char: str) -> bool:
    return (
        not char.isascii()
        and unicodedata.category(char) == "Cf"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
