"""Long runs, thinned for plotting: of each stretch its lowest and its highest value stay.

An average would hide exactly the spikes that a reader looks for.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Point = tuple[float, float | None]  # time, value; None where nothing was measured
Span = tuple[float, float | None, float | None]  # time, low, high

_T = TypeVar("_T")

BUCKETS = 300
#: What is shorter is drawn as it is.
MOST_POINTS = 600


def thin(points: Sequence[Point]) -> list[Point]:
    """Return at most `2 * BUCKETS` points: the lowest and highest of each bucket, in order."""
    if len(points) <= MOST_POINTS:
        return list(points)
    found: list[Point] = []
    for bucket in _buckets(points):
        known = [(value, t) for t, value in bucket if value is not None]
        if not known:
            found.append((bucket[0][0], None))
            continue
        for t, value in sorted({(t, value) for value, t in (min(known), max(known))}):
            found.append((t, value))
    return found


def thin_spans(spans: Sequence[Span]) -> list[Span]:
    """The same for bands: the lowest low and the highest high of each bucket."""
    if len(spans) <= MOST_POINTS:
        return list(spans)
    found: list[Span] = []
    for bucket in _buckets(spans):
        lows = [low for _, low, _ in bucket if low is not None]
        highs = [high for _, _, high in bucket if high is not None]
        middle = bucket[len(bucket) // 2][0]
        found.append((middle, min(lows, default=None), max(highs, default=None)))
    return found


def _buckets(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for n in range(BUCKETS):
        bucket = items[len(items) * n // BUCKETS : len(items) * (n + 1) // BUCKETS]
        if bucket:
            yield bucket
