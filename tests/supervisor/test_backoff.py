"""The pure back-off, for any history of deaths."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.supervisor.backoff import BASE_S, Backoff

MAXIMUM_S = 30.0
WINDOW_S = 60.0
COUNT = 5
lives = st.lists(st.floats(0, 200), min_size=1, max_size=40)
dice = st.floats(0, 1, exclude_max=True)


def backoff(roll: float = 0.0) -> Backoff:
    return Backoff(maximum_s=MAXIMUM_S, crash_count=COUNT, window_s=WINDOW_S, dice=lambda: roll)


def run(machine: Backoff, lives_s: list[float]) -> list[float]:
    """Live and die as told, waiting as told; return the waits."""
    now_s = 0.0
    waits = []
    for lived_s in lives_s:
        now_s += lived_s
        waits.append(machine.died(now_s, lived_s))
        now_s += waits[-1]
    return waits


@settings(deadline=None)
@given(lives, dice)
def test_no_wait_is_longer_than_the_maximum_or_shorter_than_a_moment(
    lives_s: list[float], roll: float
) -> None:
    for wait_s in run(backoff(roll), lives_s):
        assert BASE_S * 0.75 <= wait_s <= MAXIMUM_S


@settings(deadline=None)
@given(lives, dice)
def test_in_a_crash_loop_every_start_is_paced_at_the_maximum(
    lives_s: list[float], roll: float
) -> None:
    machine = backoff(roll)
    now_s = 0.0
    for lived_s in lives_s:
        now_s += lived_s
        wait_s = machine.died(now_s, lived_s)
        if machine.crash_looping:
            assert wait_s >= MAXIMUM_S * 0.75
        now_s += wait_s


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=COUNT, max_size=40))
def test_quick_deaths_are_a_crash_loop_until_a_long_life(lives_s: list[float]) -> None:
    machine = backoff()
    run(machine, lives_s)
    assert machine.crash_looping
    machine.died(1e6, WINDOW_S)
    assert not machine.crash_looping


@settings(deadline=None)
@given(st.lists(st.floats(WINDOW_S, 1e5), min_size=1, max_size=40))
def test_rare_deaths_are_never_a_crash_loop_and_cost_only_a_moment(lives_s: list[float]) -> None:
    machine = backoff()
    assert all(wait_s <= BASE_S for wait_s in run(machine, lives_s))
    assert not machine.crash_looping


def test_waits_double_up_to_the_maximum() -> None:
    machine = Backoff(maximum_s=1.0, crash_count=100, window_s=60, dice=lambda: 1.0)
    assert run(machine, [0.0] * 6) == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
