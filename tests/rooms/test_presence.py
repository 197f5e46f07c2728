"""The order in which presence is written, to a real Redis; the rest is tested with workers."""

import asyncio

from chat.broker.members import Members
from chat.broker.store import Store
from chat.ops.stats import Stats
from chat.rooms.presence import BATCH, Presence
from chat.rooms.room import Room
from chat.settings import Settings
from tests.support.redis_server import RedisServer

CROWD = 8 * BATCH


async def test_who_arrives_does_not_wait_behind_a_crowd_that_leaves(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    up = asyncio.Event()
    settings = Settings(redis_url=redis_server.url, redis_prefix=redis_prefix)
    store = Store(settings, Stats(), "test", on_up=lambda _shard, _changed: up.set())
    presence = Presence(Members(store), grace_s=5.0, leaves_per_s=200)
    room = Room("square")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.run()), group.create_task(presence.run())]
        await up.wait()
        await asyncio.gather(*(presence.arrive(room, f"user-{n}", None) for n in range(CROWD)))
        for n in range(CROWD):
            presence.depart(room, f"user-{n}", at_once=True)

        count = await presence.arrive(room, "late", None)

        assert count > CROWD - 2 * BATCH
        await presence.flushed()
        assert room.member_count == 1
        for task in tasks:
            task.cancel()
