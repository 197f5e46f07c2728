"""What an endpoint's answer means: pure.

| answer | meaning |
| --- | --- |
| 2xx | delivered |
| 400, 413, 415, 422 | these events are refused, others may not be |
| 410 | the endpoint does not want any more |
| anything else, or none | it cannot take anything now; redirects are not followed |
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import NamedTuple

_OF_THE_CONTENT = frozenset({400, 413, 415, 422})
_GONE = 410


class Meaning(Enum):
    """What to do."""

    DELIVERED = auto()
    REFUSED = auto()
    GONE = auto()
    FAILED = auto()


class Answer(NamedTuple):
    """What came back.

    Args:
        status: of HTTP, or `timeout`, `unreachable`.
        retry_after: header of that name.
    """

    status: int | str
    retry_after: str | None = None

    def meaning(self) -> Meaning:
        """Return what the status means."""
        if not isinstance(self.status, int):
            return Meaning.FAILED
        if 200 <= self.status < 300:
            return Meaning.DELIVERED
        if self.status in _OF_THE_CONTENT:
            return Meaning.REFUSED
        return Meaning.GONE if self.status == _GONE else Meaning.FAILED

    def asked_s(self, now: datetime) -> float | None:
        """Return how long the endpoint asks to be left alone (RFC 9110 section 10.2.3)."""
        text = (self.retry_after or "").strip()
        if not text:
            return None
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
