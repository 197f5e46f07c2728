"""A text in the form in which words are compared, and where each part of it comes from.

Compatibility forms are unified (NFKC), case is folded, and characters that show nothing are left
out: full-width letters, accents that are characters of their own and soft hyphens hide no word.
What looks alike and is not, a Cyrillic a for a Latin one, stays different.

Source: Unicode Standard Annex 15 and section 3.13, toNFKC_Casefold, with all format characters
(Cf) and variation selectors for Default_Ignorable_Code_Point.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
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
    folded = text.casefold()
    if len(folded) == len(text) and _is_plain(text) and _is_plain(folded):
        return Plain(folded)  # character by character, as case folding never joins any
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for segment in _segments(text):
        end = at + len(segment)
        if segment.isascii():
            parts.append(segment.lower())
            starts += range(at, end)
            ends += range(at + 1, end + 1)
        else:
            folded = _nfkc(_nfkc(_nothing().sub("", segment)).casefold())
            parts.append(folded)
            starts += [at] * len(folded)
            ends += [end] * len(folded)
        at = end
    return Plain("".join(parts), starts, ends)


def _is_plain(text: str) -> bool:
    return unicodedata.is_normalized("NFKC", text) and _nothing().search(text) is None


def _segments(text: str) -> Iterator[str]:
    """Split a text where normalizing the parts gives the same as normalizing the whole.

    ASCII comes in runs, except for a letter that marks may follow.
    """
    for run in _RUNS.finditer(text):
        if run[0].isascii():
            yield run[0]
            continue
        current = ""
        for char in run[0]:
            if current and len(current) < SEGMENT_MAX and _belongs(current, char):
                current += char
            else:
                if current:
                    yield current
                current = char
        yield current


def _belongs(segment: str, char: str) -> bool:
    """Whether a character changes with what is before it: a mark, or a part of a syllable."""
    if unicodedata.combining(char) or _nothing().match(char):
        return True
    return _nfkc(segment + char) != _nfkc(segment) + _nfkc(char)


#: Runs of ASCII, and runs of the rest, each with the ASCII character that is before it.
_RUNS = re.compile(r"[\x00-\x7f]+(?![^\x00-\x7f])|[\x00-\x7f]?[^\x00-\x7f]+", re.DOTALL)


@cache
def _nothing() -> re.Pattern[str]:
    """Return what shows nothing."""
    formats = "".join(
        char for char in map(chr, range(0x80, 0x110000)) if unicodedata.category(char) == "Cf"
    )
    return re.compile(f"[{re.escape(formats)}\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
