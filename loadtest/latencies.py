"""Adding up histograms of microseconds, and reading percentiles of them in milliseconds. Pure."""

import zlib

from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException
from hdrh.histogram import HdrHistogram

from loadtest.control import Histograms
from loadtest.results import Percentiles

KINDS = ("delivery", "ack", "connect", "recovery", "send_lag")
_LOWEST_US = 1
_HIGHEST_US = 3_600_000_000
_DIGITS = 3
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


def empty() -> HdrHistogram:
    """Return a histogram that takes what agents send."""
    return HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)


def percentiles(histogram: HdrHistogram) -> Percentiles | None:
    """Read a histogram, or return None where nothing was measured."""
    if not histogram.total_count:
        return None
    found = histogram.get_percentile_to_value_dict([50, 90, 99, 99.9])
    return Percentiles(
        samples=histogram.total_count,
        mean=histogram.get_mean_value() / _US_PER_MS,
        p50=found[50] / _US_PER_MS,
        p90=found[90] / _US_PER_MS,
        p99=found[99] / _US_PER_MS,
        p999=found[99.9] / _US_PER_MS,
        highest=histogram.get_max_value() / _US_PER_MS,
        histogram=histogram.encode().decode("ascii"),
    )


class Latencies:
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
                self._kinds.setdefault(kind, empty()).decode_and_add(encoded.encode())
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
        read = ((kind, percentiles(histogram)) for kind, histogram in self._kinds.items())
        return {kind: found for kind, found in read if found is not None}
