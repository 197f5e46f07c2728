"""The bucket: what it admits over any time, and that its waits are true."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat.limits.buckets import spend, wait_s

rates = st.floats(0.01, 1e6)
bursts = st.integers(1, 10**6)
starts_s = st.floats(0.0, 1e8)  # three years of a monotonic clock
steps = st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 1e6)), max_size=40)


class Bucket:
    """One bucket that starts full; its rate and burst are its owner's to keep."""

    __slots__ = ("full_at_s",)

    def __init__(self) -> None:
        self.full_at_s = 0.0

    def take(self, cost: float, rate: float, burst: float, now_s: float) -> float:
        """Take `cost` and return 0.0, or take nothing and return the seconds to wait."""
        wait = wait_s(self.full_at_s, cost, rate, burst, now_s)
        if wait == 0.0:
            self.full_at_s = spend(self.full_at_s, cost, rate, now_s)
        return wait

    def is_full(self, now_s: float) -> bool:
        """Say whether the bucket may be dropped: a new one would be the same."""
        return self.full_at_s <= now_s


@given(rates, bursts, starts_s, steps)
def test_no_more_than_burst_and_rate_is_admitted_over_any_time(rate, burst, start_s, steps):
    bucket, now_s = Bucket(), start_s
    admitted: list[tuple[float, float]] = []
    for pause_s, cost in steps:
        now_s += pause_s
        if bucket.take(cost, rate, burst, now_s) == 0.0:
            admitted.append((now_s, cost))
    for first in range(len(admitted)):
        window = admitted[first:]
        largest = max(cost for _, cost in window)
        elapsed_s = window[-1][0] - window[0][0]
        bound = max(burst, largest) + rate * (elapsed_s + 2e-4) + 1e-6
        assert sum(cost for _, cost in window) <= bound


@given(rates, bursts, starts_s, steps)
def test_who_waits_as_long_as_told_is_admitted_and_not_much_sooner(rate, burst, start_s, steps):
    bucket, now_s = Bucket(), start_s
    for pause_s, cost in steps:
        now_s += pause_s
        before = bucket.full_at_s
        wait_s = bucket.take(cost, rate, burst, now_s)
        assert wait_s >= 0.0
        if wait_s > 0.0:
            assert bucket.full_at_s == before, "a refusal takes nothing"
            assert bucket.take(cost, rate, burst, now_s + wait_s * 0.99 - 2e-4) > 0.0
            now_s += wait_s
            assert bucket.take(cost, rate, burst, now_s) == 0.0


@given(st.integers(1, 500), rates, starts_s)
def test_a_full_bucket_gives_its_whole_burst_at_once_and_then_no_more(burst, rate, start_s):
    bucket = Bucket()
    assume(rate < 1000)
    taken = [bucket.take(1, rate, burst, start_s) for _ in range(burst)]
    assert taken == [0.0] * burst
    assert bucket.take(1, rate, burst, start_s) == pytest.approx(1 / rate, rel=0.01, abs=1e-4)


def test_a_rate_of_zero_is_no_limit():
    bucket = Bucket()
    assert [bucket.take(10**9, 0.0, 1, 5.0) for _ in range(3)] == [0.0] * 3
    assert bucket.is_full(5.0)


def test_a_cost_above_the_burst_is_admitted_when_full_and_paid_for_afterwards():
    bucket = Bucket()
    assert bucket.take(50, 10.0, 20, 100.0) == 0.0
    assert bucket.take(1, 10.0, 20, 100.0) == pytest.approx(3.1)
    assert bucket.take(50, 10.0, 20, 100.0) == pytest.approx(5.0)


def test_a_bucket_that_is_full_again_is_like_a_new_one():
    bucket = Bucket()
    assert bucket.is_full(0.0)
    bucket.take(5, 1.0, 10, 100.0)
    assert not bucket.is_full(104.9)
    assert bucket.is_full(105.0)
