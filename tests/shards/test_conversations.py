"""Private rooms on a Redis Cluster: room, list and inbox lie on different shards."""

from collections.abc import Awaitable, Callable

import pytest

from tests.conversations.conftest import done, person, private_room
from tests.integration.conftest import Connect
from tests.integration.talk import heard, said
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_people_of_every_shard_talk_in_private(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    ann = await person(connect, workers[0], "ann")
    for number in range(6):
        user = f"user{number}"
        other = await person(connect, workers[1], user)
        await done(other, "join_room", roomId=other.connected["inbox"])
        room = await private_room(ann, other)
        await other.wait_for("membership_changed")
        direct = (await done(other, "open_direct", userIds=["ann"]))["roomId"]
        for place in (room, direct):
            for client in (ann, other):
                await done(client, "join_room", roomId=place)
            await said(ann, place, ["hello"])
            await heard(other, place, "hello")
        listed = {one["roomId"] for one in (await done(other, "list_rooms"))["rooms"]}
        assert listed == {room, direct}
        await done(ann, "remove_participant", roomId=room, userId=user)
        assert (await other.wait_for("room_left"))["reason"] == "removed"
        assert (await other.join(room))["code"] == "forbidden"
