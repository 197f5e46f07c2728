"""When a client comes back, and when it asks again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client import policy
from chat.client.policy import Ending
from chat.protocol.errors import CloseCode

ALMOST_ONE = 0.999999


def pause(ending: Ending, attempt: int = 0, random: float = ALMOST_ONE) -> float:
    return policy.pause_s(ending, attempt, random, 0.5, 30.0)


@given(code=st.integers(4000, 4099))
def test_a_code_that_says_stay_away_is_final(code: int) -> None:
    assert policy.is_final(Ending(code=code))


@given(code=st.integers(1000, 3999) | st.integers(4100, 4999) | st.none())
def test_no_other_code_is(code: int | None) -> None:
    assert not policy.is_final(Ending(code=code))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 431])
def test_a_handshake_refused_for_good_is_final(status: int) -> None:
    assert policy.is_final(Ending(status=status))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_handshake_refused_for_now_is_not(status: int) -> None:
    assert not policy.is_final(Ending(status=status))


@given(attempt=st.integers(0, 1000), random=st.floats(0.0, 1.0, exclude_max=True))
def test_back_off_is_anything_below_a_ceiling_that_doubles(attempt: int, random: float) -> None:
    ceiling = min(30.0, 0.5 * 2 ** min(attempt, 10))
    assert 0.0 <= pause(Ending(), attempt, random) <= ceiling
    assert pause(Ending(), attempt, 0.0) == 0.0
    assert pause(Ending(), attempt) == pytest.approx(ceiling, rel=1e-5)


@pytest.mark.parametrize("code", [CloseCode.SLOW_CONSUMER, CloseCode.PING_TIMEOUT, 1012])
def test_a_code_that_says_at_once_is_believed_once(code: int) -> None:
    assert pause(Ending(code=code), 0) == 0.0
    assert pause(Ending(code=code), 1) > 0.5


def test_a_drain_hint_is_the_wait_as_it_is() -> None:
    assert pause(Ending(code=1012, hint_s=1.2, drained=True), 3) == 1.2
    assert pause(Ending(hint_s=1.2, drained=True), 3) == 1.2


@given(random=st.floats(0.0, 1.0, exclude_max=True), attempt=st.integers(0, 20))
def test_retry_after_is_the_least_wait(random: float, attempt: int) -> None:
    assert pause(Ending(status=503, hint_s=7.0), attempt, random) >= 7.0


def test_no_hint_keeps_a_client_away_for_hours() -> None:
    assert pause(Ending(status=503, hint_s=1e9), 0) < 400.0


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (" 7 ", 7.0), ("x", None), (None, None)]
)
def test_retry_after_is_read_as_seconds(header: str | None, seconds: float | None) -> None:
    assert policy.retry_after_s(header) == seconds


def test_what_may_succeed_later_is_tried_again_and_nothing_else() -> None:
    assert policy.may_retry("busy", None)
    assert policy.may_retry("slow_mode", 10_000)
    assert not policy.may_retry("forbidden", None)
    assert not policy.may_retry("muted", 60_000), "the program wants to know of that"
    assert policy.may_retry("of_a_newer_server", 10)
    assert not policy.may_retry("of_a_newer_server", None)


@given(ms=st.integers(0, 10**7), random=st.floats(0.0, 1.0, exclude_max=True))
def test_a_command_is_not_sent_again_before_the_server_said(ms: int, random: float) -> None:
    assert policy.retry_pause_s(ms, 0, random) >= ms / 1000
