"""The counters a worker writes and what of them is told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.ops.stats import COUNTERS, GAUGES, HISTOGRAMS, LABELLED, Histogram, Stats
from chat.protocol.errors import CloseCode, ErrorCode


def test_every_declared_attribute_is_counted_and_told() -> None:
    declared = set(Stats.__annotations__)
    assert declared == {*GAUGES, *COUNTERS, *LABELLED, *HISTOGRAMS} == set(Stats().snapshot())


def test_a_misspelt_counter_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Stats().conections = 1  # type: ignore[attr-defined]


def test_a_snapshot_is_a_copy_that_json_keeps() -> None:
    stats = Stats()
    stats.connections_refused.add("full")
    stats.errors.add(ErrorCode.BUSY)
    stats.closes.add(CloseCode.FLOOD)
    stats.closes[4103] = stats.closes.get(4103, 0) + 1
    taken = stats.snapshot()
    stats.connections_refused.add("full")
    assert taken["connections_refused"] == {"full": 1}
    assert taken["errors"] == {"busy": 1}
    assert taken["closes"] == {"4103": 2}
    assert json.loads(json.dumps(taken)) == taken


@settings(deadline=None)
@given(st.lists(st.floats(-1, 100)))
def test_a_histogram_counts_every_value_in_the_bucket_of_its_bound(values: list[float]) -> None:
    histogram = Histogram((0.1, 1.0, 10.0))
    for value in values:
        histogram.observe(value)
    told = histogram.snapshot()
    assert sum(told["buckets"]) == histogram.count == len(values)
    for index, bound in enumerate(told["bounds"]):
        assert sum(told["buckets"][: index + 1]) == sum(value <= bound for value in values)
    assert told["sum"] == pytest.approx(sum(max(0.0, value) for value in values))
