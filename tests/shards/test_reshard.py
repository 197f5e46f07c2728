"""Slots that Redis's own tools move while people chat in them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, insist, of_type
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]
#: More than the two per cent by which the tool lets masters differ.
SLOTS = 500


async def chatter(
    client: ChatClient, room: str, over: asyncio.Event
) -> tuple[list[str], Counter[str]]:
    """Say one thing after the other until it is over; return them, and what was refused."""
    said: list[str] = []
    refused: Counter[str] = Counter()
    while not over.is_set():
        said.append(f"m{len(said)}")
        while (answer := await client.say(room, said[-1], said[-1]))["type"] != "ack":
            refused[answer["code"]] += 1
        await asyncio.sleep(0.005)
    return said, refused


async def test_reshard_and_rebalance_under_traffic_lose_nothing(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    # Slots that move are waited for half as long: this machine may take longer than two seconds.
    patient = {"redis_timeout": 40.0, "history_size": 10_000, **NO_LIMITS}
    workers = await cluster(2, redis=redis_cluster.url, **patient)
    source, target, third = redis_cluster.masters()
    rooms = [redis_cluster.early_room(master, among=SLOTS) for master in (source, target, third)]
    ann, ben = await connect(workers[0], "ann"), await connect(workers[1], "ben")
    for room in rooms:
        for client in (ann, ben):
            await client.join(room)
    over = asyncio.Event()
    chatting = [asyncio.create_task(chatter(ann, room, over)) for room in rooms]

    await asyncio.to_thread(redis_cluster.reshard, source, target, SLOTS)
    assert redis_cluster.master_of(rooms[0]) is target
    await asyncio.to_thread(redis_cluster.rebalance)

    over.set()
    talk = await asyncio.gather(*chatting)
    sizes = {len(redis_cluster.slots_of(master)) for master in (source, target, third)}
    assert max(sizes) - min(sizes) < SLOTS / 2
    for room, (said, refused) in zip(rooms, talk, strict=True):
        await insist(ann, room, "last")
        for client in (ann, ben):
            await heard(client, room, "last")
            assert contents(client.messages(room)) == [*said, "last"]
        print(f"{room}: {len(said)} messages, refused {dict(refused)}")
        # One that is under way while a reading of the map finds its slot elsewhere: nothing is
        # stored, and it cannot be sent again without overtaking.
        assert set(refused) <= {"unavailable"}
        assert refused.total() <= 2
    for client in (ann, ben):
        assert not of_type(client, "gap")
