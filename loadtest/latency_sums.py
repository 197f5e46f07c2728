"""Adding up the histograms of several agents, by kind of latency. Pure."""

import zlib
from typing import TYPE_CHECKING

from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException

from loadtest.control import Histograms
from loadtest.latency import new_histogram, percentiles
from loadtest.results import Percentiles

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

KINDS = ("delivery", "storm", "ack", "connect", "recovery", "send_lag")
_US_PER_MS = 1000.0
#: What the library raises, and lets out of zlib and base64, when text is not a histogram.
_BROKEN = (
    ValueError,
    IndexError,
    zlib.error,
    HdrCookieException,
    HdrHistogramSettingsException,
    HdrLengthException,
)


class LatencySums:
    """One histogram per kind of latency."""

    def __init__(self) -> None:
        self._kinds: dict[str, HdrHistogram] = {}

    def add(self, found: Histograms, kinds: tuple[str, ...] = KINDS) -> None:
        """Add an agent's histograms of some kinds.

        Raises:
            ValueError: one of them is no histogram.
        """
        for kind in kinds:
            encoded: str | None = getattr(found, kind)
            if encoded is None:
                continue
            try:
                self._kinds.setdefault(kind, new_histogram()).decode_and_add(encoded.encode())
            except _BROKEN as exc:
                raise ValueError(f"not a histogram of {kind}: {exc}") from None

    def quick(self, kind: str) -> tuple[float, float, float] | None:
        """Return p50, p99 and the highest in milliseconds, or None where nothing was measured."""
        histogram = self._kinds.get(kind)
        if histogram is None or not histogram.total_count:
            return None
        found = histogram.get_percentile_to_value_dict([50, 99])
        return (
            found[50] / _US_PER_MS,
            found[99] / _US_PER_MS,
            histogram.get_max_value() / _US_PER_MS,
        )

    def percentiles(self) -> dict[str, Percentiles]:
        """Read every kind that was measured."""
        return {
            kind: percentiles(histogram)
            for kind, histogram in self._kinds.items()
            if histogram.total_count
        }
