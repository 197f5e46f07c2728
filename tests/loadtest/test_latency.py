"""Latencies: what seconds and agents measured adds up to what was measured."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.latency import (
    HIGHEST_US,
    Latencies,
    Recorder,
    merged,
    new_histogram,
    percentiles,
)

pytestmark = pytest.mark.timeout(180)

SAMPLES = st.lists(st.integers(1, HIGHEST_US), max_size=60)


@settings(deadline=None)
@given(st.lists(SAMPLES, max_size=6))
def test_merged_parts_equal_the_whole(parts: list[list[int]]) -> None:
    whole = new_histogram()
    encoded = []
    for part in parts:
        recorder = Recorder()
        for us in part:
            recorder.record(us * 1000)
            whole.record_value(us)
        encoded.append(recorder.take())
    found = merged(encoded)
    assert found.get_total_count() == whole.get_total_count()
    assert list(found.counts) == list(whole.counts)


@settings(deadline=None)
@given(st.integers(1, HIGHEST_US))
def test_a_value_is_known_to_three_digits(us: int) -> None:
    recorder = Recorder()
    recorder.record(us * 1000)
    found = percentiles(merged([recorder.take()]))
    assert abs(found.p50 * 1000 - us) <= us / 1000


def test_what_is_out_of_range_counts_at_its_end() -> None:
    recorder = Recorder()
    recorder.record(-5_000_000)
    recorder.record(10**15)
    found = percentiles(merged([recorder.take()]))
    assert found.samples == 2
    assert found.p50 == 0.001
    assert found.highest >= HIGHEST_US / 1000


def test_percentiles_are_in_milliseconds() -> None:
    recorder = Recorder()
    for ms in range(1, 1001):
        recorder.record(ms * 1_000_000)
    found = percentiles(merged([recorder.take()]))
    assert found.samples == 1000
    assert abs(found.p50 - 500) < 1
    assert abs(found.p99 - 990) < 1
    assert abs(found.mean - 500.5) < 1


def test_a_second_without_samples_has_no_histogram() -> None:
    latencies = Latencies()
    latencies.ack.record(5000)
    assert latencies.take().ack is not None
    taken = latencies.take()
    assert (taken.ack, taken.delivery) == (None, None)
    assert percentiles(merged([None])).samples == 0
