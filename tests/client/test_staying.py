"""The client on a bad day: connections break, servers leave, tokens end; nothing is missing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.client import (
    AuthenticationError,
    ChatMessage,
    Client,
    Gap,
    Options,
    Ordered,
    Phase,
    StoppedError,
)
from tests.client.conftest import Open
from tests.client.seeing import next_of, rest, take
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.ports import listening_socket, port_of
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

StartCluster = Callable[..., Awaitable[Cluster]]


def cut(client: Client) -> None:
    """Lose the network: the connection is gone without a goodbye."""
    connection = client._lifeline.connection
    assert connection is not None
    connection.abort()


async def is_offline(client: Client) -> None:
    await until(
        lambda: client.state.phase is not Phase.ONLINE, 30.0, what="the client to be off-line"
    )


async def test_what_was_said_while_a_connection_was_broken_comes_with_the_next(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    client = await open_client(pair.urls, "ben")
    ben = await client.join(room)
    for number in range(1, 31):
        await ann.publish(str(number))
        if number % 10 == 0:
            await client.wait_online()
            cut(client)
    heard = await take(ben, ChatMessage, 30)
    assert [message.seq for message in heard] == list(range(1, 31))


async def test_messages_wait_for_the_server_and_keep_their_order(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(1, **NO_LIMITS)
    client = await open_client(workers[0].url, "ann")
    ann = await client.join(room)
    await workers[0].kill()
    await is_offline(client)
    async with asyncio.TaskGroup() as tasks:
        saying = [tasks.create_task(ann.publish(str(number))) for number in range(20)]
        await asyncio.sleep(0)
        assert len(ann.pending) == 20
        await workers[0].start()
    assert [task.result().seq for task in saying] == list(range(1, 21))
    heard = await take(ann, ChatMessage, 20)
    assert [message.content for message in heard] == [str(number) for number in range(20)]


async def test_a_worker_that_leaves_is_left_and_nothing_is_lost(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(2, drain_timeout=3.0, **NO_LIMITS)
    ann = await (await open_client(workers[1].url, "ann")).join(room)
    client = await open_client(workers[0].url, "ben")
    ben = await client.join(room)
    states = client.states()
    await anext(states)
    workers[0].signal(signal.SIGTERM)
    state = await anext(states)
    assert state.phase is Phase.WAITING
    assert "drain" in state.reason
    await ann.publish("while away")
    await workers[0].wait_ended()
    await workers[0].start()
    assert (await next_of(ben, ChatMessage)).content == "while away"


async def test_a_restarted_redis_delays_and_loses_nothing(
    cluster: StartCluster, fresh_redis: RedisServer, room: str, open_client: Open
) -> None:
    workers = await cluster(2, redis=fresh_redis, redis_timeout=1.5, **NO_LIMITS)
    ann = await (await open_client(workers[0].url, "ann")).join(room)
    ben = await (await open_client(workers[1].url, "ben")).join(room)
    await ann.publish("before")
    await asyncio.to_thread(fresh_redis.stop)
    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(ann.publish(str(number)))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(fresh_redis.start)
    heard = await take(ben, ChatMessage, 6)
    assert [message.content for message in heard] == ["before", *map(str, range(5))]


async def test_a_flushed_redis_is_told_as_a_gap(
    cluster: StartCluster, fresh_redis: RedisServer, room: str, open_client: Open
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await (await open_client(workers[0].url, "ann")).join(room)
    await ann.publish("lost")
    await asyncio.to_thread(fresh_redis.run, "FLUSHALL")
    await ann.publish("a new life")
    gap = await next_of(ann, Gap)
    assert (gap.reason, gap.from_seq) == ("reset", 0)
    assert (await next_of(ann, ChatMessage)).content == "a new life"


async def test_what_fell_off_the_history_is_told_as_a_gap(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(1, history_size=3, **NO_LIMITS)
    ann = await (await open_client(workers[0].url, "ann")).join(room)
    kept = (await ann.publish("1")).position
    for number in range(2, 11):
        await ann.publish(str(number))
    ben = await (await open_client(workers[0].url, "ben")).join(room, since=kept)
    gap = await next_of(ben, Gap)
    assert (gap.reason, gap.from_seq, gap.to_seq) == ("trimmed", 2, 7)
    assert [message.seq for message in await take(ben, ChatMessage, 3)] == [8, 9, 10]


async def test_a_slow_program_falls_behind_and_catches_up_without_a_hole(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    client = await open_client(pair[1].url, "ben", max_buffered=10)
    ben = await client.join(room)
    for number in range(100):
        await ann.publish(str(number))
    cut(client)
    await until(lambda: client.state.phase is Phase.ONLINE, 30.0, what="ben to be back")
    seen: list[int] = []
    async with asyncio.timeout(30.0):
        async for event in ben.events():
            if isinstance(event, Ordered):
                seen.append(event.seq)
            if len(seen) == 100:
                break
    assert seen == list(range(1, 101))
    assert len(ben._membership.intake.buffer) <= 10


async def test_a_token_callback_is_asked_before_the_token_ends(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(1, token_warning_s=19.0, **NO_LIMITS)
    asked: list[int] = []

    async def fresh() -> str:
        asked.append(1)
        return token("ann", ttl_s=20.0)

    client = await open_client(workers[0].url, "ann", fresh)
    ann = await client.join(room)
    states = client.states()
    await anext(states)
    await until(lambda: len(asked) >= 3, 30.0, what="the token to be renewed twice")
    await ann.publish("still here")
    assert client.state.phase is Phase.ONLINE
    following = asyncio.ensure_future(anext(states))
    await asyncio.sleep(0)
    assert not following.done(), "the connection was never replaced"
    following.cancel()


async def test_a_token_callback_that_fails_is_asked_again(
    pair: Cluster, room: str, open_client: Open
) -> None:
    asked: list[int] = []

    def moody() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise LookupError("the token service is away")
        return token("ann")

    client = await open_client(pair[0].url, "ann", moody)
    await client.join(room)
    assert len(asked) == 3


async def test_a_token_string_that_ends_stops_the_client(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann", token("ann", ttl_s=4.0))
    left = await client.join(room)
    with pytest.raises(AuthenticationError):
        await rest(left)
    assert client.state.phase is Phase.STOPPED
    with pytest.raises(AuthenticationError):
        await left.publish("too late")


async def test_a_bad_token_stops_the_client_and_a_callback_is_asked_once_more(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann", "no token")
    with pytest.raises(AuthenticationError):
        await client.join(room)
    tokens = [token("ann", ttl_s=-60.0), token("ann")]
    client = await open_client(pair[0].url, "ann", lambda: tokens.pop(0))
    await client.join(room)
    hopeless = await open_client(pair[0].url, "ann", lambda: token("ann", ttl_s=-60.0))
    with pytest.raises(AuthenticationError):
        await hopeless.wait_online()


async def test_a_callback_that_says_there_is_no_token_stops_the_client(
    pair: Cluster, open_client: Open
) -> None:
    def signed_out() -> str:
        raise AuthenticationError("signed out")

    client = await open_client(pair[0].url, "ann", signed_out)
    with pytest.raises(AuthenticationError, match="signed out"):
        await client.wait_online()


async def test_twenty_refused_commands_stop_the_client(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann")
    ann = await client.join(room)
    results = await asyncio.gather(*(ann.publish("") for _ in range(25)), return_exceptions=True)
    assert isinstance(results[-1], StoppedError)
    assert results[-1].code == 4000


async def test_limits_are_waited_out_and_nobody_notices(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    """More at once than a connection may say."""
    workers = await cluster(1, connection_messages_per_s=50, connection_messages_burst=20)
    client = await open_client(workers[0].url, "ann")
    ann = await client.join(room)
    async with asyncio.TaskGroup() as tasks:
        saying = [tasks.create_task(ann.publish(str(number))) for number in range(60)]
    assert [task.result().seq for task in saying] == list(range(1, 61))
    assert client.state.phase is Phase.ONLINE


async def test_a_slow_room_is_waited_for(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(1, slow_mode="room-*=1", **NO_LIMITS)
    ann = await (await open_client(workers[0].url, "ann")).join(room)
    first, second = await asyncio.gather(ann.publish("one"), ann.publish("two"))
    assert second.timestamp - first.timestamp >= 1000


async def test_a_server_that_is_full_is_asked_again_when_it_said(
    room: str, open_client: Open
) -> None:
    """A server that answers 503 with Retry-After: the client waits for so long."""
    sock = listening_socket()
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        times.append(loop.time())
        writer.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\n"
            b"Connection: close\r\n\r\nfull"
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, sock=sock):
        client = await open_client(f"ws://127.0.0.1:{port_of(sock)}/ws", "ann")
        await until(lambda: len(times) == 2, what="a second attempt")
        assert times[1] - times[0] >= 1.0
        await until(lambda: "503" in client.state.reason, what="the reason")
        await client.close()


async def test_a_wait_can_be_cut_short(unused_port: int, open_client: Open) -> None:
    client = await open_client(
        f"ws://127.0.0.1:{unused_port}/ws", "ann", backoff_base_s=600.0, backoff_max_s=600.0
    )
    await until(lambda: client.state.phase is Phase.WAITING)
    attempt = client.state.attempt
    client.reconnect_now()
    await until(lambda: client.state.attempt > attempt, what="another attempt")


async def test_a_server_that_falls_silent_is_left(
    cluster: StartCluster, room: str, open_client: Open
) -> None:
    workers = await cluster(1, **NO_LIMITS)
    client = await open_client(workers[0].url, "ann", silence_s=1.0, connect_timeout_s=2.0)
    ann = await client.join(room)
    workers[0].pause()
    try:
        await is_offline(client)
    finally:
        workers[0].resume()
    assert (await ann.publish("again")).seq == 1


async def test_closing_while_there_is_no_server_takes_no_time(unused_port: int) -> None:
    options: Any = {"proxy": None}
    client = Client(f"ws://127.0.0.1:{unused_port}/ws", "token", options=Options(**options))
    await client.open()
    joining = asyncio.create_task(client.join("r"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10.0):  # it would try for ever
        await client.close()
    with pytest.raises(StoppedError):
        await joining
