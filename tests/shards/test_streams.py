"""The HTTP side over a Redis Cluster: publishing and following rooms of every shard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.api.site import Api, settings_of
from tests.support.cluster import NO_LIMITS
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


@contextlib.asynccontextmanager
async def serving(redis: RedisCluster, prefix: str) -> AsyncIterator[Api]:
    settings = settings_of(redis.masters()[0], prefix, **NO_LIMITS)
    api = Api(settings | {"redis_url": redis.url})
    try:
        yield await api.start()
    finally:
        await api.close()


async def is_stored(api: Api, room: str, number: int) -> bool:
    path = f"/api/v1/rooms/{room}/messages"
    sent = {"content": str(number), "clientMessageId": f"c-{number}"}
    return (await api.send(path, sent, token("ben"))).status in (200, 201)


async def test_rooms_of_every_shard_are_followed(
    redis_cluster: RedisCluster, redis_prefix: str
) -> None:
    async with serving(redis_cluster, redis_prefix) as api:
        for room in rooms_of_every_shard(redis_cluster, each=2):
            async with await api.stream(room) as stream:
                await stream.wait_for("stream_opened")
                for content in ("1", "2"):
                    assert (await api.publish(room, content, "ben")).status == 201
                assert await stream.contents(2) == ["1", "2"]


async def test_a_slot_that_moves_there_and_back_costs_a_stream_nothing(
    redis_cluster: RedisCluster, redis_prefix: str
) -> None:
    room = "moving"
    home = redis_cluster.master_of(room)
    other = next(node for node in redis_cluster.masters() if node is not home)
    is_over = asyncio.Event()

    async def publish(api: Api) -> int:
        count = 0
        while not is_over.is_set():
            count += 1
            await until(partial(is_stored, api, room, count), interval_s=0.05)
        return count

    async with serving(redis_cluster, redis_prefix) as api, await api.stream(room) as stream:
        await stream.wait_for("stream_opened")
        publishing = asyncio.create_task(publish(api))
        for target in (other, home):
            await asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.2)
            await asyncio.sleep(0.5)
        is_over.set()
        count = await publishing
        assert await stream.contents(count) == [str(number) for number in range(1, count + 1)]
