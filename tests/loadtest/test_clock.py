"""The offset of an agent's clock, and how well it is known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.clock import SHARED, Offset, Probe, between, drifted, estimate

TIMES = st.integers(0, 10**15)
TRIPS = st.integers(0, 10**9)


@settings(deadline=None)
@given(
    offset=st.integers(-(10**15), 10**15),
    probes=st.lists(st.tuples(TIMES, TRIPS, TRIPS), min_size=1, max_size=9),
)
def test_the_true_offset_is_never_further_off_than_the_error(
    offset: int, probes: list[tuple[int, int, int]]
) -> None:
    found = estimate(
        Probe(sent, sent + there - offset, sent + there + back) for sent, there, back in probes
    )

    assert abs(found.offset_ns - offset) <= found.error_ns


@settings(deadline=None)
@given(probes=st.lists(st.tuples(TIMES, TRIPS), min_size=1, max_size=9))
def test_the_error_is_half_the_least_round_trip(probes: list[tuple[int, int]]) -> None:
    found = estimate(Probe(sent, 0, sent + trip) for sent, trip in probes)

    assert found.error_ns == (min(trip for _, trip in probes) + 1) // 2


def test_the_same_boot_shares_its_clock() -> None:
    probes = [Probe(0, 500, 10)]

    assert between("a", "a", probes) == SHARED
    assert between("a", "b", probes) == Offset(-495, 5)
    assert between("", "", probes) != SHARED, "no id is not the same id"


def test_an_answer_before_its_question_is_refused() -> None:
    with pytest.raises(ValueError, match="before its question"):
        estimate([Probe(10, 0, 5)])


def test_clocks_that_drift_apart_make_the_error_grow_and_keep_the_offset() -> None:
    assert drifted(Offset(1000, 50), Offset(1300, 40)) == Offset(1000, 340)
    assert drifted(Offset(1000, 50), Offset(1000, 40)) == Offset(1000, 50)
