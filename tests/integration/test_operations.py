"""A lone worker and one under `chat up` look the same to who operates them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.conftest import Connect
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster, Supervised
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]
GAUGES = ("chat_worker_rooms", "chat_worker_connections")


async def workers(ops_port: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await http.get(ops_port, "/readyz")).body)["workers"]
    return found


async def gauges(ops_port: int, name: str) -> dict[str, float]:
    """Return the values of a gauge by worker."""
    body = (await http.get(ops_port, "/metrics")).body
    lines = [line for line in body.splitlines() if line.startswith(f'{name}{{worker="')]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.mark.slow
async def test_workers_under_chat_up_have_the_entries_and_gauges_of_a_lone_one(
    cluster: StartCluster,
    connect: Connect,
    redis_server: RedisServer,
    redis_prefix: str,
    room: str,
) -> None:
    alone = (await cluster(1, **NO_LIMITS))[0]
    await connect(alone, "ann", room)
    [entry] = await workers(alone.ops_port)
    assert (entry["pid"], entry["state"], entry["ready"]) == (alone.pid, "ready", True)
    for name in GAUGES:
        assert await gauges(alone.ops_port, name) == {"0": 1.0}

    settings: dict[str, Any] = {"redis_prefix": redis_prefix, **NO_LIMITS}
    async with Supervised(redis_server, 2, **settings) as up:

        async def both() -> list[dict[str, Any]] | None:
            found = await workers(up.ops_port)
            return found if all(one["ready"] for one in found) else None

        for one in await until(both, what="both workers ready"):
            assert one.keys() == entry.keys()
        async with await ChatClient.connect(up.url, token("ben")) as client:
            await client.join(room)

            async def told() -> bool:
                found = [await gauges(up.ops_port, name) for name in GAUGES]
                return all(sorted(each.values()) == [0.0, 1.0] for each in found)

            await until(told, what="a room and a connection on one of the two")
