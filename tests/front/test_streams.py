"""Event streams through HAProxy: events at once, quiet streams kept, leaving processes left."""

import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.api.site import Api, settings_of
from tests.front.certificates import Certificates
from tests.front.conftest import StartCluster
from tests.support.haproxy import Haproxy, servers_file
from tests.support.redis_server import RedisServer
from tests.support.sse import EventStream
from tests.support.tokens import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PATH = "/api/v1/rooms/lobby/events"


@pytest.fixture
async def apis(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[list[Api]]:
    """Two processes of the HTTP side."""
    settings: dict[str, Any] = {"trusted_proxies": "127.0.0.1", "api_heartbeat_interval": 1.0}
    async with AsyncExitStack() as stack:
        made = [Api(settings_of(redis_server, redis_prefix, **settings)) for _ in range(2)]
        for api in made:
            stack.push_async_callback(api.close)
            await api.start()
        yield made


@pytest.fixture
async def haproxy(
    apis: list[Api], cluster: StartCluster, certificates: Certificates
) -> AsyncIterator[Haproxy]:
    """A front for them, and for a worker."""
    worker = (await cluster(1, trusted_proxies="127.0.0.1"))[0]
    with tempfile.TemporaryDirectory(prefix="front-", dir="/tmp") as name:
        addresses = [f"127.0.0.1:{api.port}" for api in apis]
        servers = servers_file(Path(name), [f"127.0.0.1:{worker.port}"], addresses)
        async with Haproxy(
            Path(name), servers, certificates.folder, api_check="/api/v1/health"
        ) as front:
            yield front


async def test_an_event_is_not_kept_back_and_silence_is_no_end(
    apis: list[Api], haproxy: Haproxy, certificates: Certificates
) -> None:
    bearer, tls = token("ann"), certificates.client()
    async with await EventStream.open(haproxy.port, PATH, bearer, ssl=tls) as stream:
        opened = await stream.next()
        assert opened.type == "stream_opened"
        await apis[0].publish("lobby", "at once", "ben")
        event = await stream.next(20.0)  # what is kept back waits for many more of them
        assert event.json["content"] == "at once"
        last_id = stream.last_id
    await apis[1].publish("lobby", "missed", "ben")
    async with await EventStream.open(
        haproxy.port, PATH, bearer, last_id=last_id, ssl=tls
    ) as again:
        assert await again.contents(1) == ["missed"]


async def test_a_stream_moves_to_another_process_when_its_own_leaves(
    apis: list[Api], haproxy: Haproxy, certificates: Certificates
) -> None:
    bearer, tls = token("ann"), certificates.client()
    streams = [await EventStream.open(haproxy.port, PATH, bearer, ssl=tls) for _ in range(4)]
    for stream in streams:
        await stream.wait_for("stream_opened")
    leaving, staying = apis
    leaving.signal(signal.SIGTERM)
    assert await leaving.wait_ended(30.0) == 0
    await leaving.close()  # its socket too, which the test has as well
    await staying.publish("lobby", "who hears this?", "ben")
    moved = 0
    for stream in streams:
        event = await stream.next()
        if event.type == "drain":
            moved += 1
            assert (await stream.rest()) == []
            async with await EventStream.open(
                haproxy.port, PATH, bearer, last_id=stream.last_id, ssl=tls
            ) as again:
                assert await again.contents(1) == ["who hears this?"]
        else:
            assert event.json["content"] == "who hears this?"
        await stream.close()
    assert moved == 2  # it balances by connections
