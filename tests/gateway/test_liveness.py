"""Silence is noticed, life is not mistaken for death."""

import asyncio
import time
from itertools import pairwise

import pytest
from websockets.frames import Opcode

from chat.protocol import frames
from tests.gateway.conftest import Serve
from tests.gateway.wire import frame, text
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def test_a_silent_client_is_pinged_and_then_closed_with_4201(serve: Serve) -> None:
    served = await serve(ping_interval=1, ping_timeout=1)
    client, handler = await served.open()
    assert await client.read_frame() == (frames.PING, b"")
    assert await client.read_close() == 4201
    client.close()
    await until(lambda: handler.closes == [4201])
    assert served.stats.ping_timeouts == 1


@pytest.mark.parametrize(
    "sign",
    [frame(Opcode.PONG), text("x"), frame(Opcode.PING), text("x")[:1]],
    ids=["pong", "message", "ping", "one byte"],
)
async def test_any_traffic_counts_as_life(serve: Serve, sign: bytes) -> None:
    served = await serve(ping_interval=1, ping_timeout=1)
    client, handler = await served.open()
    for _ in range(2):
        while await client.read_frame() != (frames.PING, b""):
            pass
        await client.send(sign)
    while await client.read_frame() != (frames.PING, b""):
        pass
    assert handler.connection.is_open
    assert served.stats.ping_timeouts == 0


async def test_a_client_that_talks_is_never_pinged(serve: Serve) -> None:
    served = await serve(ping_interval=2, ping_timeout=1)
    client, _ = await served.open()
    ticks = served.gateway.tick + 4
    while served.gateway.tick < ticks:
        await client.send(text("echo"))
        assert await client.read_text() == "echo"
        await asyncio.sleep(0.2)


async def test_a_worker_that_stood_still_does_not_blame_its_clients(serve: Serve) -> None:
    """The pong that arrived during a stall is read before anyone is judged."""
    served = await serve(ping_interval=1, ping_timeout=2)
    client, handler = await served.open()
    assert await client.read_frame() == (frames.PING, b"")
    client.sock.send(frame(Opcode.PONG))  # into the kernel's buffer: our loop does not run
    time.sleep(4)  # noqa: ASYNC251 - the stall
    assert await client.read_frame() == (frames.PING, b"")
    assert handler.connection.is_open


async def test_a_handler_whose_visit_fails_loses_no_one_the_watch(serve: Serve) -> None:
    served = await serve(ping_interval=1, ping_timeout=1)
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    clients = [await served.open() for _ in range(3)]
    clients[1][1].on_visit = None  # type: ignore[assignment,method-assign]
    for client, _ in clients:
        assert await client.read_close() == 4201
    assert failures


async def test_a_handler_is_visited_when_it_asks_for_it(serve: Serve) -> None:
    served = await serve(ping_interval=240)
    served.application.authenticates = False
    _, handler = await served.open()
    visits: list[int] = []

    def visit(now_s: float) -> float:
        visits.append(served.gateway.tick)
        return 1.0

    handler.on_visit = visit  # type: ignore[method-assign]
    handler.connection.authenticated("user")
    await until(lambda: len(visits) == 4)
    assert [later - earlier for earlier, later in pairwise(visits)] == [1, 1, 1]
