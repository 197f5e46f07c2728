"""A worker whose loop is late lets nobody in, serves who is in, and forgets it at once after."""

import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.gateway.overload import BEAT_S, RETRY_AFTER_S, Overload
from tests.gateway.conftest import Serve, Served
from tests.gateway.test_handshake import answers
from tests.gateway.wire import END, REQUEST, RawClient, text
from tests.support.waiting import until

LIMIT_S = 0.2
STALL_S = LIMIT_S + BEAT_S + 0.1


def beaten(limit_s: float, *late_s: float) -> tuple[Overload, float]:
    """Return a judge whose beats were so late, and the time."""
    overload, now_s = Overload(limit_s), 0.0
    overload.beat(now_s)
    for late in late_s:
        now_s += BEAT_S + late
        overload.beat(now_s)
    return overload, now_s


@given(st.lists(st.floats(0, 10), max_size=20))
def test_one_beat_on_time_ends_it_whatever_was_before(before: list[float]) -> None:
    overload, now_s = beaten(1.0, *before, 0.0)
    assert not overload.holds(now_s)


def test_it_begins_above_the_limit_and_ends_below_half_of_it() -> None:
    for late, held in {
        (0.9,): False,
        (1.1,): True,
        (1.1, 0.9): True,
        (1.1, 0.6, 0.6): True,
        (1.1, 0.4): False,
        (1.1, 0.4, 0.9): False,
        (0.6, 0.6, 0.6): False,
    }.items():
        overload, now_s = beaten(1.0, *late)
        assert overload.holds(now_s) == held, late


def test_it_is_noticed_before_the_timer_says_so() -> None:
    overload, now_s = beaten(1.0, 0.0)
    assert not overload.holds(now_s + 1.0)
    assert overload.holds(now_s + BEAT_S + 1.1)
    overload.beat(now_s + BEAT_S + 0.6)
    assert overload.holds(now_s + BEAT_S + 0.6)


def test_the_first_beat_is_never_late_and_nought_is_never() -> None:
    assert not Overload(0.001).holds(1e9)
    overload, now_s = beaten(0.0, 1e6, 1e6)
    assert not overload.holds(now_s + 1e6)


async def let_in(served: Served) -> RawClient | None:
    """Try to come in, which a machine that is late by itself may keep from succeeding."""
    client = await served.connect()
    await client.send(REQUEST + END)
    return client if (await client.read_head()).startswith(b"HTTP/1.1 101 ") else None


async def test_who_wants_in_is_refused_and_who_is_in_is_served(serve: Serve) -> None:
    served = await serve(overload_lag=LIMIT_S)
    member = await until(partial(let_in, served))
    refused = served.stats.connections_refused.get("overload", 0)
    late = await served.connect()
    await late.send(REQUEST + END)
    await member.send(text("echo still here"))
    time.sleep(STALL_S)  # noqa: ASYNC251 - the loop is to be late
    head = await late.read_head()
    assert head.startswith(b"HTTP/1.1 503 ")
    [wait] = [line for line in head.split(b"\r\n") if line.startswith(b"Retry-After: ")]
    assert int(wait.split()[1]) in RETRY_AFTER_S
    assert await late.read_to_end() == b"This worker is overloaded.\n"
    assert await member.read_text() == "echo still here"
    assert served.stats.connections_refused == {"overload": refused + 1}
    await until(lambda: served.stats.pending_connections == 0)
    await until(lambda: not served.gateway.is_overloaded)
    await until(partial(let_in, served))


async def test_a_request_in_pieces_is_refused_as_well(serve: Serve) -> None:
    served = await serve(overload_lag=LIMIT_S)
    late = await served.connect()
    await late.send(REQUEST)
    await until(lambda: served.stats.pending_connections == 1)
    await late.send(END)
    time.sleep(STALL_S)  # noqa: ASYNC251 - the loop is to be late
    await answers(late, 503, retry_after=True)
    assert served.stats.connections_refused == {"overload": 1}


async def test_what_is_no_websocket_is_answered_all_the_same(serve: Serve) -> None:
    """A balancer's health check under overload: a 503 there would take every worker away."""
    served = await serve(overload_lag=LIMIT_S)
    check = await served.connect()
    await check.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(STALL_S)  # noqa: ASYNC251 - the loop is to be late
    await answers(check, 200)


@pytest.mark.parametrize("lag", [0, 5])
async def test_what_the_setting_forgives_is_no_overload(serve: Serve, lag: float) -> None:
    served = await serve(overload_lag=lag)
    late = await served.connect()
    await late.send(REQUEST + END)
    time.sleep(STALL_S)  # noqa: ASYNC251 - the loop is to be late
    assert (await late.read_head()).startswith(b"HTTP/1.1 101 ")
