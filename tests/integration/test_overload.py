"""A real worker that stood still: those who queued are sent away, the next ones get in."""

import asyncio
from typing import Any

import pytest

from tests.gateway.wire import END, REQUEST, RawClient
from tests.integration.conftest import Connect
from tests.integration.talk import said
from tests.support import http
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

STALL_S = 2.0
QUEUED = 50


@pytest.mark.slow
async def test_a_worker_that_stood_still_refuses_the_queue_and_recovers_at_once(
    redis_server: RedisServer, redis_prefix: str, connect: Connect, room: str
) -> None:
    settings: dict[str, Any] = {"redis_prefix": redis_prefix, **NO_LIMITS}
    settings |= {"lease_ttl": 40.0, "overload_lag": 1.0}
    async with Cluster(redis_server, 1, **settings) as cluster:
        worker = cluster[0]
        member = await connect(worker, "ann", room)
        upgrade = REQUEST + f"Authorization: Bearer {token('ben')}\r\n".encode() + END
        worker.pause()
        queue = [await RawClient.connect(worker.port) for _ in range(QUEUED)]
        for client in queue:
            await client.send(upgrade)
        await asyncio.sleep(STALL_S)
        worker.resume()
        heads = [await client.read_head() for client in queue]
        refused = sum(head.startswith(b"HTTP/1.1 503 ") for head in heads)
        assert refused > 0
        assert sum(b"\r\nRetry-After: " in head for head in heads) == refused
        assert refused + sum(head.startswith(b"HTTP/1.1 101 ") for head in heads) == QUEUED
        for client in queue:
            client.close()

        async def gets_in() -> bool:
            client = await RawClient.connect(worker.port)
            try:
                await client.send(upgrade)
                return (await client.read_head()).startswith(b"HTTP/1.1 101 ")
            finally:
                client.close()

        await until(gets_in, what="a new connection")
        await said(member, room, ["still here"])
        metrics = (await http.get(worker.ops_port, "/metrics")).body
        lines = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line[:1] != "#")
        assert float(lines['chat_connections_refused_total{reason="overload"}']) >= refused
        await until(worker.ready, what="readiness, which overload is no part of")
