"""Event streams when something fails: nothing is lost, nothing comes twice, nothing grows."""

import asyncio
import signal
import socket

import pytest

from tests.api.conftest import StartApi
from tests.api.site import Api
from tests.support import http
from tests.support.redis_server import RedisServer
from tests.support.sse import EventStream
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def publish(api: Api, room: str, first: int, last: int) -> None:
    """Publish numbers, each until it is stored."""
    for number in range(first, last):
        sent = {"content": str(number), "clientMessageId": f"c-{number}"}
        path = f"/api/v1/rooms/{room}/messages"
        while True:
            try:
                answer = await api.send(path, sent, token("ben"))
            except (OSError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            if answer.status in (200, 201):
                break
            assert answer.status == 503
            await asyncio.sleep(0.1)


async def follow(api: Api, room: str, last_id: str, upto: int) -> list[int]:
    """Return the numbers that one client gets, however often it has to come back."""
    numbers: list[int] = []
    while not numbers or numbers[-1] < upto:
        try:
            async with await api.stream(room, "ann", last_id) as stream:
                try:
                    while not numbers or numbers[-1] < upto:
                        event = await stream.next(20.0)
                        assert event.type != "gap"
                        if event.type == "chat_message":
                            numbers.append(int(event.json["content"]))
                finally:
                    last_id = stream.last_id or last_id
        except (
            OSError,
            EOFError,
            TimeoutError,
            AssertionError,
            asyncio.IncompleteReadError,
        ) as exc:
            if isinstance(exc, AssertionError) and "503" not in str(exc):
                raise
            await asyncio.sleep(0.1)
    return numbers


async def position(api: Api, room: str) -> str:
    async with await api.stream(room) as stream:
        return (await stream.next()).id


async def test_a_process_that_is_killed_costs_a_client_nothing(
    start_api: StartApi, room: str
) -> None:
    doomed, other = await start_api(), await start_api()
    following = asyncio.create_task(follow(doomed, room, await position(doomed, room), 60))
    await publish(other, room, 1, 21)
    await doomed.kill()
    await publish(other, room, 21, 41)
    await doomed.start()
    await publish(other, room, 41, 61)
    assert await asyncio.wait_for(following, 40.0) == list(range(1, 61))


async def test_a_redis_that_restarts_costs_a_client_nothing_and_the_stream_stays(
    start_api: StartApi, fresh_redis: RedisServer, room: str
) -> None:
    api = await start_api(fresh_redis)
    async with await api.stream(room) as stream:
        await stream.wait_for("stream_opened")
        await publish(api, room, 1, 11)
        fresh_redis.stop()
        publishing = asyncio.create_task(publish(api, room, 11, 31))
        await asyncio.sleep(0.5)
        fresh_redis.start()
        await publishing
        assert await stream.contents(30) == [str(number) for number in range(1, 31)]


async def test_a_redis_that_lost_everything_is_told_as_a_gap(
    start_api: StartApi, fresh_redis: RedisServer, room: str
) -> None:
    api = await start_api(fresh_redis)
    async with await api.stream(room) as stream:
        opened = await stream.wait_for("stream_opened")
        await publish(api, room, 1, 4)
        assert await stream.contents(3) == ["1", "2", "3"]
        fresh_redis.run("FLUSHALL")
        fresh_redis.restart()
        await publish(api, room, 4, 5)
        gap = await stream.wait_for("gap")
        assert gap.json["reason"] == "reset"
        assert gap.json["previousEpoch"] == opened.json["epoch"]
        assert await stream.contents(1) == ["4"]


async def test_a_reader_that_does_not_read_is_cut_off_and_the_others_go_on(
    start_api: StartApi, room: str
) -> None:
    limits = {"user_messages_per_s": 0, "user_bytes_per_s": 0}
    api = await start_api(max_outbound_bytes=200_000, handshake_timeout=5.0, **limits)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", api.port))
    head = f"GET /api/v1/rooms/{room}/events HTTP/1.1\r\nHost: x\r\n"
    head += f"Authorization: Bearer {token('slow')}\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(sock, head.encode())

    async def shows(line: str) -> bool:
        return f"\n{line}\n" in (await http.get(api.ops_port, "/metrics")).body

    await until(lambda: shows("chat_api_streams 1.0"))
    async with await api.stream(room, "fast") as fast:
        contents = [f"{number} {'x' * 8000}" for number in range(1000)]
        before = await resident_bytes(api)
        for start in range(0, 1000, 20):
            batch = contents[start : start + 20]
            await asyncio.gather(*(api.publish(room, content, "ben") for content in batch))
            assert sorted(await fast.contents(20)) == sorted(batch)
        ended = 'chat_api_streams_ended_total{reason="slow_consumer"} 1.0'
        await until(lambda: shows(ended))
        assert await resident_bytes(api) - before < 40_000_000
    sock.close()


async def resident_bytes(api: Api) -> float:
    page = (await http.get(api.ops_port, "/metrics")).body
    [line] = [line for line in page.splitlines() if line.startswith("chat_api_resident")]
    return float(line.split()[1])


async def test_a_process_that_leaves_says_when_to_come_back_and_nothing_is_missed(
    start_api: StartApi, room: str
) -> None:
    leaving, other = await start_api(api_drain_delay=1.0, api_stream_retry=4.0), await start_api()
    streams = [await leaving.stream(room, f"user-{number}") for number in range(5)]
    await publish(other, room, 1, 4)
    leaving.signal(signal.SIGTERM)
    await publish(other, room, 4, 7)
    hints = set()
    for stream in streams:
        async with stream:
            *events, last = await stream.rest()
        assert last.type == "drain"
        assert last.json["reconnectAfterMs"] == stream.parser.retry_ms
        assert 2000 <= last.json["reconnectAfterMs"] <= 6000
        hints.add(stream.parser.retry_ms)
        numbers = [event.json["content"] for event in events if event.type == "chat_message"]
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        again = await EventStream.open(
            other.port, f"/api/v1/rooms/{room}/events", token("ann"), last_id=stream.last_id
        )
        async with again:
            rest = await again.contents(6 - len(numbers))
            assert rest == [str(number) for number in range(len(numbers) + 1, 7)]
    assert len(hints) > 1  # they do not all come back at once
    assert await leaving.wait_ended() == 0


async def test_a_stream_that_is_opened_while_a_process_leaves_is_sent_on(
    start_api: StartApi, room: str
) -> None:
    api = await start_api(api_drain_delay=4.0)
    api.signal(signal.SIGTERM)
    await until(api.is_leaving)
    async with await api.stream(room) as stream:
        assert [event.type for event in await stream.rest()] == ["stream_opened", "drain"]
        assert stream.last_id


async def test_a_stream_needs_redis_to_begin(
    start_api: StartApi, fresh_redis: RedisServer, room: str
) -> None:
    api = await start_api(fresh_redis)
    fresh_redis.stop()
    answer = await api.ask(f"/api/v1/rooms/{room}/events")
    assert (answer.status, answer.code) == (503, "unavailable")
