"""Latencies in microseconds: recorded for the price of a dictionary, kept as HdrHistograms.

`HdrHistogram.record_value` takes 1 µs in Python. Counting in a dictionary takes a tenth of that,
and the dictionary is folded into a histogram once a second.
"""

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

from loadtest.control import Histograms
from loadtest.results import Percentiles

LOWEST_US, HIGHEST_US, DIGITS = 1, 120_000_000, 3
_EXACT_BITS = 11  # a histogram of three digits tells values below 2048 apart


def new_histogram() -> HdrHistogram:
    """Return an empty histogram with our range and precision."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


class Recorder:
    """Counts one kind of latency until somebody takes the histogram."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        #: By microseconds. The hot path counts here itself: a call would cost as much again.
        self.counts: dict[int, int] = {}

    def record(self, ns: int) -> None:
        """Count one latency; a negative one, from clocks that differ, counts as the lowest."""
        us = ns // 1000
        self.counts[us] = self.counts.get(us, 0) + 1

    def take(self) -> str | None:
        """Return what was recorded since the last call, or None, and forget it."""
        if not self.counts:
            return None
        histogram = folded(self.counts)
        self.counts.clear()
        return encode(histogram)


class Latencies:
    """All kinds of one agent."""

    def __init__(self) -> None:
        self.delivery = Recorder()
        self.storm = Recorder()
        self.ack = Recorder()
        self.connect = Recorder()
        self.recovery = Recorder()
        self.send_lag = Recorder()

    def take(self) -> Histograms:
        """Return this second's histograms, and begin another second."""
        return Histograms(
            delivery=self.delivery.take(),
            storm=self.storm.take(),
            ack=self.ack.take(),
            connect=self.connect.take(),
            recovery=self.recovery.take(),
            send_lag=self.send_lag.take(),
        )


def folded(counts: dict[int, int]) -> HdrHistogram:
    """Return counts by microseconds as a histogram; what is out of range counts at its end."""
    buckets: dict[int, int] = {}
    for us, count in counts.items():
        if us >> _EXACT_BITS:  # equal in the first eleven bits: one bucket of the histogram
            shift = us.bit_length() - _EXACT_BITS
            us = us >> shift << shift  # noqa: PLW2901
        buckets[us] = buckets.get(us, 0) + count
    histogram = new_histogram()
    for us, count in buckets.items():
        histogram.record_value(min(max(us, LOWEST_US), HIGHEST_US), count)
    return histogram


def encode(histogram: HdrHistogram) -> str:
    """Return a histogram as text."""
    text: bytes = histogram.encode()
    return text.decode()


def merged(encoded: Iterable[str | None]) -> HdrHistogram:
    """Return the sum of encoded histograms; None is an empty one."""
    whole = new_histogram()
    for text in encoded:
        if text is not None:
            whole.decode_and_add(text)
    return whole


def percentiles(histogram: HdrHistogram) -> Percentiles:
    """Return what a report says about a histogram, in milliseconds."""

    def at(percentile: float) -> float:
        return float(histogram.get_value_at_percentile(percentile)) / 1000.0

    samples = int(histogram.get_total_count())
    return Percentiles(
        samples=samples,
        mean=float(histogram.get_mean_value()) / 1000.0 if samples else 0.0,
        p50=at(50.0),
        p90=at(90.0),
        p99=at(99.0),
        p999=at(99.9),
        highest=float(histogram.get_max_value()) / 1000.0,
        histogram=encode(histogram),
    )
