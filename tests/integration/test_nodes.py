"""Who is registered: every worker that lives, as it is, and no other."""

import json
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.broker.keys import Keys
from tests.gateway.wire import RawClient
from tests.integration.conftest import Connect
from tests.support.cluster import NO_LIMITS, Cluster, Supervised
from tests.support.command import Said, chat
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until
from tests.support.worker import SettingValue

StartCluster = Callable[..., Awaitable[Cluster]]
SHORT_LEASE = {"lease_ttl": 2.0, "lease_interval": 0.5}


async def chat_nodes(
    redis_url: str, prefix: str, *arguments: str, **settings: SettingValue
) -> Said:
    """Run `chat nodes`."""
    return await chat("nodes", *arguments, redis_url=redis_url, redis_prefix=prefix, **settings)


async def listed(redis: RedisServer, prefix: str) -> list[dict[str, Any]]:
    said = await chat_nodes(redis.url, prefix, "--json")
    assert (said.code, said.err) == (0, "")
    nodes: list[dict[str, Any]] = json.loads(said.out)
    return nodes


@pytest.mark.slow
async def test_every_worker_is_listed_with_what_it_holds(
    cluster: StartCluster,
    connect: Connect,
    redis_server: RedisServer,
    redis_prefix: str,
    room: str,
) -> None:
    workers = await cluster(2, **SHORT_LEASE | {"lease_ttl": 30.0}, **NO_LIMITS)
    for user in ("ann", "ben"):
        await connect(workers[0], user, room)

    async def seen() -> list[dict[str, Any]] | None:
        nodes = await listed(redis_server, redis_prefix)
        connections = sum(node["connections"] for node in nodes)
        return nodes if (len(nodes), connections) == (2, 2) else None

    nodes = await until(seen, 30.0, what="two workers and two connections in the list")
    by_pid = {node["pid"]: node for node in nodes}
    assert by_pid.keys() == {worker.pid for worker in workers.workers}
    first = by_pid[workers[0].pid]
    assert first["address"] == f"127.0.0.1:{workers[0].port}"
    assert (first["host"], first["state"]) == (socket.gethostname(), "ready")
    assert (first["connections"], first["rooms"], first["reasons"]) == (2, 1, [])
    said = await chat_nodes(redis_server.url, redis_prefix)
    assert said.out.splitlines()[-1] == "2 workers on 1 host, 2 ready, 2 connections"


@pytest.mark.slow
async def test_a_killed_worker_vanishes_within_the_lease(
    cluster: StartCluster, redis_server: RedisServer, redis_prefix: str
) -> None:
    workers = await cluster(2, **SHORT_LEASE)

    async def pids() -> set[int]:
        return {node["pid"] for node in await listed(redis_server, redis_prefix)}

    async def both() -> bool:
        return await pids() == {worker.pid for worker in workers.workers}

    async def alone() -> bool:
        return await pids() == {workers[1].pid}

    await until(both, 30.0, what="both workers in the list")
    await workers[0].kill()
    ends, described = Keys(redis_prefix).nodes
    with redis_server.connect() as client:  # by its clock, as listing takes its time
        now_s, _ = client.time()
        ((_, latest_ms),) = client.zrange(ends, 0, 0, desc=True, withscores=True)
    assert latest_ms / 1000 <= now_s + 1 + SHORT_LEASE["lease_ttl"]
    await until(alone, 30.0, what="one worker in the list")
    await until(lambda: redis_server.run("HLEN", described) == 1, what="the dead one forgotten")


@pytest.mark.slow
async def test_a_draining_worker_is_shown_as_such_and_one_that_left_is_gone_at_once(
    cluster: StartCluster, redis_server: RedisServer, redis_prefix: str
) -> None:
    long = {"drain_timeout": 50, "close_timeout": 40}  # it ends as soon as the client has gone
    workers = await cluster(1, lease_ttl=600, lease_interval=200, **long)
    client = await RawClient.connect(workers[0].port)
    try:
        await client.upgrade(f"Authorization: Bearer {token('ann')}\r\n".encode())
        workers[0].signal(signal.SIGTERM)  # the client will not answer the close frame

        async def states() -> bool:
            nodes = await listed(redis_server, redis_prefix)
            return [node["state"] for node in nodes] == ["draining"]

        await until(states, 30.0, what="a draining worker in the list", interval_s=0.1)
    finally:
        client.close()
    await workers[0].wait_ended()
    assert await listed(redis_server, redis_prefix) == []


@pytest.mark.slow
async def test_a_redis_that_forgot_is_told_again(
    cluster: StartCluster, fresh_redis: RedisServer, redis_prefix: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, lease_ttl=600, lease_interval=200)
    fresh_redis.run("FLUSHALL")
    assert await listed(fresh_redis, redis_prefix) == []
    fresh_redis.restart()
    await workers.wait_ready()

    async def back() -> bool:
        return len(await listed(fresh_redis, redis_prefix)) == 1

    await until(back, what="the worker in the list again")


async def test_without_redis_it_is_one_sentence_and_1() -> None:
    url = f"redis://:the-password@127.0.0.1:{unused_port()}/0"
    said = await chat_nodes(url, "chat", redis_connect_timeout=0.5)
    assert (said.code, said.out) == (1, "")
    [line] = said.err.splitlines()
    assert line.startswith("chat: Redis cannot be reached")
    assert "the-password" not in line


@pytest.mark.slow
async def test_workers_of_chat_up_are_listed_by_slot_under_the_address_they_are_given(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    async with Supervised(
        redis_server, 2, redis_prefix=redis_prefix, advertise="chat.example"
    ) as up:

        async def both() -> list[dict[str, Any]] | None:
            nodes = await listed(redis_server, redis_prefix)
            return nodes if len(nodes) == 2 else None

        nodes = await until(both, what="two workers in the list")
        assert [node["slot"] for node in nodes] == [0, 1]
        assert {node["pid"] for node in nodes} == up.worker_pids()
        assert {node["address"] for node in nodes} == {f"chat.example:{up.port}"}
