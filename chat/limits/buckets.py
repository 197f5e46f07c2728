"""Token buckets as one float each: the time at which the bucket is full again.

A bucket holds up to `burst` tokens and gains `rate` of them per second. How many it holds follows
from when it will be full, so that time is all there is to remember, and 0.0 is a full bucket.
Times come from one monotonic clock. A rate of 0 is no limit.

A cost above `burst` can never fit; it is admitted when the bucket is full and leaves a debt that
is waited for like any other. So no wait is for ever, and over any time t at most
`max(burst, largest cost) + rate * t` is admitted.
"""

_SLACK_S = 1e-4  # rounding of times never refuses what fits, nor who waited as long as told


def wait_s(full_at_s: float, cost: float, rate: float, burst: float, now_s: float) -> float:
    """Return the seconds until `cost` fits, 0.0 if it does now."""
    if cost <= 0 or rate <= 0:
        return 0.0
    wait = full_at_s - now_s - max(0.0, burst - cost) / rate
    return wait if wait > _SLACK_S else 0.0


def spend(full_at_s: float, cost: float, rate: float, now_s: float) -> float:
    """Return when the bucket is full again after taking `cost` out of it."""
    if cost <= 0 or rate <= 0:
        return full_at_s
    return max(full_at_s, now_s) + cost / rate


def lower(full_at_s: float, left: float, rate: float, burst: float, now_s: float) -> float:
    """Return when the bucket is full again if it holds at most `left`, negative being a debt."""
    if rate <= 0:
        return full_at_s
    return max(full_at_s, now_s + (burst - left) / rate)
