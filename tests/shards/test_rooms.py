"""Rules of rooms on a Redis Cluster: rooms of every shard, and slots that move."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.about.conftest import change, moderator
from tests.integration.conftest import Connect
from tests.integration.talk import contents, insist, said
from tests.support.client import Event
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]


def is_change_of(room: str) -> Callable[[Event], bool]:
    return lambda event: event["type"] == "room_changed" and event["roomId"] == room


async def test_rules_hold_in_rooms_of_every_shard(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    mod = await moderator(connect, workers[0])
    ben = await connect(workers[1], "ben")
    for room in rooms_of_every_shard(redis_cluster):
        assert (await ben.join(room))["type"] == "room_joined"
        await change(mod, room, slowModeMs=60_000, historySize=2, large=True)
        await ben.wait_for(is_change_of(room))
        await said(ben, room, ["1"])
        assert (await ben.say(room, "2"))["code"] == "slow_mode"
        await change(mod, room, slowModeMs=None, readOnly=True)
        assert (await ben.say(room, "3"))["code"] == "read_only"
        await change(mod, room, readOnly=None)
        await said(ben, room, ["4", "5"])
        page = await ben.command("history", roomId=room)
        assert contents(page["messages"]) == ["4", "5"]
        assert (await mod.join(room))["memberCount"] == 2
        await mod.command("leave_room", roomId=room)
    told = [event for event in ben.received if event["type"] in ("user_joined", "user_left")]
    assert {event["userId"] for event in told} <= {"ben"}  # his own join came before the rule


async def test_what_is_set_moves_with_its_slot_and_holds_all_the_while(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    room = rooms_of_every_shard(redis_cluster)[0]
    mod = await moderator(connect, workers[0], room)
    ben = await connect(workers[1], "ben", room)
    await change(mod, room, readOnly=True, title="0")
    target = next(
        node for node in redis_cluster.masters() if node is not redis_cluster.master_of(room)
    )
    moving = asyncio.create_task(
        asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.3)
    )
    number = 0
    while not moving.done():
        number += 1
        answer = await mod.command("change_room", roomId=room, title=str(number))
        assert answer["type"] == "ack" or answer["code"] == "unavailable", answer
        assert (await ben.say(room, "x"))["code"] in ("read_only", "unavailable")
        await asyncio.sleep(0.05)
    await moving
    await insist(mod, room, "after")
    await change(mod, room, title="last", clientMessageId="last")
    last = await ben.wait_for(lambda event: event.get("room", {}).get("title") == "last")
    assert last["room"] == {"title": "last", "readOnly": True}
    assert (await ben.join(room))["room"] == last["room"]
