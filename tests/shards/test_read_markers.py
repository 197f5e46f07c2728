"""Read markers on a Redis Cluster: rooms of every shard, and slots that move."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import heard, insist, said
from tests.integration.test_read_markers import mark, read_seq_becomes, unread
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_unread_asks_every_shard_at_once(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    rooms = rooms_of_every_shard(redis_cluster, each=2)
    ann = await connect(workers[0], "ann")
    phone = await connect(workers[1], "ann")
    for room in rooms:
        assert (await ann.join(room))["type"] == "room_joined"
        await said(ann, room, ["1", "2", "3"])
        await mark(ann, room, 2)
    for room in rooms:
        await read_seq_becomes(phone, room, 2)
    found = await unread(phone, *rooms)
    assert [(entry["roomId"], entry["unread"]) for entry in found] == [(room, 1) for room in rooms]


async def test_markers_move_with_their_slot_and_hold_all_the_while(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    room = rooms_of_every_shard(redis_cluster)[0]
    ann = await connect(workers[0], "ann", room)
    phone = await connect(workers[1], "ann", room)
    await said(ann, room, [str(number) for number in range(20)])
    await mark(ann, room, 1)
    target = next(
        node for node in redis_cluster.masters() if node is not redis_cluster.master_of(room)
    )
    moving = asyncio.create_task(
        asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.3)
    )
    seq = 1
    while not moving.done():
        seq = min(seq + 1, 20)
        await mark(ann, room, seq)
        await asyncio.sleep(0.05)
    await moving
    await mark(ann, room, 20)
    await read_seq_becomes(phone, room, 20)
    after = await insist(ann, room, "after")
    await heard(phone, room, "after")  # so that the worker hears the shard to which the slot went
    await mark(ann, room, after["seq"])
    await phone.wait_for(lambda event: event.get("readSeq") == after["seq"])
