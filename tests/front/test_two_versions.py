"""An upgrade on a host without containers, as docs/operations.md says: blue, and then green."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chat.front.servers import addresses_of
from tests.front.certificates import Certificates
from tests.support import logs
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Supervised
from tests.support.haproxy import Haproxy, servers_file
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.traffic import Traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(240)]


def pattern(folder: Path, colour: str) -> str:
    return f"unix:{folder}/{colour}-{{slot}}.sock"


async def test_one_chat_up_takes_over_from_another_and_nothing_is_lost(
    redis_server: RedisServer, redis_prefix: str, certificates: Certificates
) -> None:
    folder = logs.new_directory()
    places = {colour: addresses_of(pattern(folder, colour), 2) for colour in ("blue", "green")}
    names = {
        colour: [each.replace(":/", ":").replace("/", ":") for each in places[colour]]
        for colour in places
    }
    settings: dict[str, Any] = {
        "redis_prefix": redis_prefix,
        "trusted_proxies": "127.0.0.1",
        **NO_LIMITS,
    }

    def version(colour: str) -> Supervised:
        return Supervised(redis_server, 2, worker_sockets=pattern(folder, colour), **settings)

    async def connect(user: str) -> ChatClient:
        return await ChatClient.connect(haproxy.url, token(user), ssl=certificates.client())

    servers = servers_file(folder, places["blue"] + places["green"])
    haproxy = Haproxy(folder, servers, certificates.folder)
    haproxy.spawn()
    try:
        async with AsyncExitStack() as versions:
            blue = await versions.enter_async_context(version("blue"))
            await haproxy.wait_up(*names["blue"])
            await until(
                lambda: all(haproxy.states()[name].startswith("DOWN") for name in names["green"]),
                30.0,
                what="HAProxy's doubt about those that are not there",
            )
            async with Traffic(4, connect) as traffic:
                await versions.enter_async_context(version("green"))
                await haproxy.wait_up(*names["green"])
                await blue.close()
                talkers = traffic.talkers
                await until(lambda: all(t.connects > 1 for t in talkers), 30.0, what="moves")
                before = len(traffic.acknowledged())
                enough = before + 10
                await until(lambda: len(traffic.acknowledged()) > enough, 30.0, what="more talk")
    finally:
        await haproxy.close()
