"""The schedule: an open model, whose arrivals wait for nobody."""

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.agent.schedule import NEVER_NS, SECOND_NS, Arrivals, Phases, Ramp, back_off_ns
from loadtest.agent.stamp import JUDGED, STORM, WARM_UP


def chance(seed: int = 1) -> random.Random:
    return random.Random(seed)


def test_a_ramp_arrives_at_its_rate() -> None:
    ramp = Ramp(10, 2.0, start_ns=5 * SECOND_NS)
    assert [ramp.due_ns(client) for client in (0, 1, 9)] == [
        5 * SECOND_NS,
        5 * SECOND_NS + SECOND_NS // 2,
        5 * SECOND_NS + 9 * SECOND_NS // 2,
    ]
    assert ramp.due_ns(10) == NEVER_NS


def test_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    arrivals = Arrivals(1000.0, 0, chance())
    due = list(arrivals.due(100 * SECOND_NS))
    assert len(due) == pytest.approx(100_000, rel=0.02)
    distances = [later - earlier for earlier, later in pairwise(due)]
    assert statistics.mean(distances) == pytest.approx(SECOND_NS / 1000, rel=0.02)
    assert statistics.stdev(distances) == pytest.approx(SECOND_NS / 1000, rel=0.03)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * SECOND_NS), max_size=20), st.integers())
def test_whenever_one_asks_nothing_that_was_due_is_left_out(asked: list[int], seed: int) -> None:
    at_once = list(Arrivals(50.0, 0, chance(seed)).due(3 * SECOND_NS))
    arrivals = Arrivals(50.0, 0, chance(seed))
    in_turn = [due for now in [*sorted(asked), 3 * SECOND_NS] for due in arrivals.due(now)]
    assert in_turn == at_once


def test_nothing_arrives_without_a_rate_or_after_the_end() -> None:
    assert Arrivals(0.0, 0, chance()).next_ns == NEVER_NS
    arrivals = Arrivals(100.0, 0, chance())
    arrivals.end(SECOND_NS)
    due = list(arrivals.due(5 * SECOND_NS))
    assert 60 < len(due) < 140
    assert due[-1] < SECOND_NS
    assert arrivals.next_ns == NEVER_NS


def test_an_end_that_has_passed_takes_back_what_is_due_next() -> None:
    arrivals = Arrivals(100.0, SECOND_NS, chance())
    arrivals.end(0)
    assert list(arrivals.due(5 * SECOND_NS)) == []


def test_what_is_due_in_the_hold_phase_is_judged() -> None:
    phases = Phases()
    assert phases.counts_for(5) == WARM_UP
    phases.hold_ns = 10
    assert [phases.counts_for(due) for due in (9, 10, 99)] == [WARM_UP, JUDGED, JUDGED]
    phases.drain_ns = 20
    assert [phases.counts_for(due) for due in (19, 20)] == [JUDGED, WARM_UP]
    phases.storm_ns = 15
    assert [phases.counts_for(due) for due in (14, 15, 20)] == [JUDGED, STORM, WARM_UP]


@settings(deadline=None)
@given(st.integers(0, 100), st.floats(0, 10), st.integers())
def test_back_off_has_full_jitter_and_is_bounded(attempt: int, least_s: float, seed: int) -> None:
    wait_s = back_off_ns(attempt, chance(seed), least_s) / SECOND_NS
    assert least_s - 1e-6 <= wait_s <= least_s + min(30.0, 0.5 * 2**attempt) + 1e-6
