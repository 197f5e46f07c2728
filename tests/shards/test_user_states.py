"""States of users on a Redis Cluster: users and rooms of every shard."""

from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.test_user_states import choose, listed, state_becomes
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_a_choice_reaches_rooms_on_every_shard_whatever_shard_the_user_is_on(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, presence_grace=0.5, **NO_LIMITS)
    rooms = rooms_of_every_shard(redis_cluster)
    ben = await connect(workers[1], "ben")
    for room in rooms:
        await ben.join(room)
    for user in rooms_of_every_shard(redis_cluster):  # as good as names of users
        laptop = await connect(workers[0], user, rooms[0])
        phone = await connect(workers[1], user, rooms[1])
        for room in rooms[2:]:
            await phone.join(room)
        await choose(laptop, "busy", status="x")
        for room in rooms:
            event = await ben.wait_for(
                lambda event, here=(room, user): (  # type: ignore[misc]
                    event["type"] == "presence_changed"
                    and (event["roomId"], event["userId"]) == here
                ),
                30.0,
            )
            assert (event["state"], event["status"]) == ("busy", "x")
            assert (await listed(ben, room, user))["state"] == "busy"
        await laptop.command("mark_read", roomId=rooms[0], seq=1)
        await laptop.close()
        await phone.close()
        await state_becomes(ben, rooms[0], user, "offline")
