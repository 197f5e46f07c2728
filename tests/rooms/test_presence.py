"""How presence is written to a real Redis; the rest is tested with workers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.broker.members import Members
from chat.broker.store import Store
from chat.ops.stats import Stats
from chat.protocol.availability import PLAIN, Availability
from chat.rooms.presence import BATCH, Presence, describe
from chat.rooms.room import Room
from chat.settings import Settings
from tests.support.redis_server import RedisServer

CROWD = 8 * BATCH


BUSY = Availability(state="busy")


@pytest.fixture
async def store(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Store]:
    up = asyncio.Event()
    settings = Settings(redis_url=redis_server.url, redis_prefix=redis_prefix)
    made = Store(settings, Stats(), "test", on_up=lambda _shard, _changed: up.set())
    running = asyncio.create_task(made.run())
    await up.wait()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_arrives_does_not_wait_behind_a_crowd_that_leaves(store: Store) -> None:
    presence = Presence(Members(store), grace_s=5.0, leaves_per_s=200)
    room = Room("square")
    flushing = asyncio.create_task(presence.run())
    await asyncio.gather(*(presence.arrive(room, f"user-{n}", None) for n in range(CROWD)))
    for n in range(CROWD):
        presence.depart(room, f"user-{n}", at_once=True)

    count = await presence.arrive(room, "late", None)

    assert count > CROWD - 2 * BATCH
    await presence.flushed()
    assert room.member_count == 1
    flushing.cancel()


async def test_a_device_that_comes_with_a_new_state_does_not_take_the_news_from_who_tells_it(
    store: Store,
) -> None:
    """Its worker knows of the choice before the room has been told by the other one."""
    members = Members(store)
    differing: list[str] = []
    shown = {"laptop": PLAIN, "phone": BUSY}
    workers = [
        Presence(
            members,
            grace_s=5.0,
            leaves_per_s=200,
            shown=lambda _user, device=device: shown[device],  # type: ignore[misc]
            on_differing=differing.append,
        )
        for device in ("laptop", "phone")
    ]
    flushing = [asyncio.create_task(worker.run()) for worker in workers]
    for worker in workers:
        assert await worker.arrive(Room("square"), "ann", None) == 1

    assert differing == ["ann"], "and so it is told again by that worker, too"
    assert (await members.page("square", "0", 10))[2] == [("ann", describe("ann", None))]
    assert await members.tell_state("square", "ann", describe("ann", None, BUSY))
    assert not await members.tell_state("square", "ann", describe("ann", None, BUSY))
    assert (await members.page("square", "0", 10))[2] == [("ann", describe("ann", None, BUSY))]
    for task in flushing:
        task.cancel()
