"""Latency by percentile: the whole curve, with the rare and slow stretched out on the right.

The x axis is logarithmic in the share of what is slower, as HdrHistogram's plots are: from 90 % to
99 % is as wide as from 99 % to 99.9 %.
"""

import binascii
import math
import zlib

from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException
from hdrh.histogram import HdrHistogram

from loadtest.report.axes import Axis, Tick
from loadtest.report.thinning import Point
from loadtest.results import Percentiles

_PER_DECADE = 24
_MOST_DECADES = 5
_US_PER_MS = 1000


def depth(percentile: float) -> float:
    """Return where a percentile is: 0 at 0 %, 1 at 90 %, 2 at 99 %, 3 at 99.9 %."""
    return -math.log10(1 - percentile / 100)


def axis(samples: int) -> Axis:
    """Return an axis as deep as so many samples reach, from 90 % to 99.999 % at most."""
    decades = min(_MOST_DECADES, max(1, math.ceil(math.log10(max(samples, 10)) - 1e-9)))
    marks = [50.0] + [100 * (1 - 10.0**-n) for n in range(1, decades + 1)]
    return Axis(
        low=0.0,
        high=float(decades),
        ticks=[Tick(depth(mark) / decades, f"{mark:.10g}") for mark in marks],
        label="percentile, %",
    )


def curve(found: Percentiles) -> list[Point]:
    """Return depth and milliseconds, as far as the samples reach."""
    if found.samples < 1:
        return []
    histogram = _decode(found.histogram)
    if histogram is None:
        return _known(found)
    end = math.log10(found.samples)  # only the slowest sample is beyond
    depths = [n / _PER_DECADE for n in range(math.ceil(min(end, _MOST_DECADES) * _PER_DECADE))]
    points: list[Point] = [
        (at, histogram.get_value_at_percentile(100 * (1 - 10.0**-at)) / _US_PER_MS) for at in depths
    ]
    return [*points, (end, found.highest)] if end <= _MOST_DECADES else points


def _known(found: Percentiles) -> list[Point]:
    """What is left where the histogram cannot be read."""
    known = ((50, found.p50), (90, found.p90), (99, found.p99), (99.9, found.p999))
    return [(depth(percentile), value) for percentile, value in known]


def _decode(text: str) -> HdrHistogram | None:
    try:
        return HdrHistogram.decode(text.encode("ascii"))
    except (
        HdrCookieException,
        HdrHistogramSettingsException,
        HdrLengthException,
        ValueError,
        IndexError,
        binascii.Error,
        zlib.error,
    ):
        return None
