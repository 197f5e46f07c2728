"""Moderation on a Redis Cluster: acts on rooms of every shard, and on users from one of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat.broker.keys import CONTROL_TAG
from chat.moderation.acts import Kind
from tests.integration.conftest import Connect
from tests.integration.talk import heard, insist, members_become
from tests.moderation.conftest import act, moderator
from tests.moderation.operator import EARLIER, Operator
from tests.support.client import ChatClient, ClosedError
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard
from tests.support.tokens import token

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]
#: A second is promised; a machine that is busy with other tests is forgiven more.
SOON_S = 10.0


async def test_acts_reach_every_worker_whichever_shard_the_room_is_on(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    mod = await moderator(connect, workers[0])
    ben = await connect(workers[1], "ben")
    for room in rooms_of_every_shard(redis_cluster, each=2):
        assert (await ben.join(room))["type"] == "room_joined"
        await act(mod, "mute_user", room, "ben", durationMs=60_000)
        assert (await ben.say(room, "x"))["code"] == "muted"
        await act(mod, "unmute_user", room, "ben")
        message = await ben.say(room, "x")
        place = {"roomId": room, "seq": message["seq"], "messageId": message["messageId"]}
        reported = await ben.command("report_message", **place, reason="spam")
        assert reported["type"] == "ack"
        await act(mod, "ban_user", room, "ben")
        left = await ben.wait_for("room_left", SOON_S)
        assert (left["roomId"], left["reason"]) == (room, "banned")
        assert (await ben.join(room))["code"] == "banned"


async def test_sanctions_move_with_their_slot_and_hold_all_the_while(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    room = rooms_of_every_shard(redis_cluster)[0]
    mod = await moderator(connect, workers[0], room=room)
    ben = await connect(workers[1], "ben", room)
    await act(mod, "mute_user", room, "ben")
    await act(mod, "ban_user", room, "cleo")
    target = next(
        node for node in redis_cluster.masters() if node is not redis_cluster.master_of(room)
    )
    moving = asyncio.create_task(
        asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.3)
    )
    while not moving.done():
        assert (await ben.say(room, "muted"))["code"] in ("muted", "unavailable")
        await asyncio.sleep(0.02)
    await moving
    assert (await ben.say(room, "muted"))["code"] == "muted"
    cleo = await connect(workers[1], "cleo")
    assert (await cleo.join(room))["code"] == "banned"
    await insist(mod, room, "after")
    await heard(ben, room, "after")  # so that the worker hears the shard to which the slot went
    await act(mod, "kick_user", room, "ben")
    assert (await ben.wait_for("room_left", SOON_S))["reason"] == "kicked"
    await members_become(mod, room, {"mod"})


async def test_a_revoked_user_is_cut_off_everywhere_also_after_the_acts_have_moved(
    cluster: StartCluster, redis_cluster: RedisCluster, redis_prefix: str, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **NO_LIMITS)
    operator = Operator(redis_cluster.url, redis_prefix)
    early = [await connect(worker, "ann", **EARLIER) for worker in workers.workers]
    await operator.act(Kind.REVOKE_USER, "ann")
    for client in early:
        assert (await client.wait_closed(SOON_S)).code == 4002
    late = [await connect(worker, "ben", **EARLIER) for worker in workers.workers]
    home = redis_cluster.master_of(CONTROL_TAG)
    target = next(node for node in redis_cluster.masters() if node is not home)
    await asyncio.to_thread(redis_cluster.move_slot, CONTROL_TAG, target)
    await operator.act(Kind.REVOKE_USER, "ben")
    for client in late:
        assert (await client.wait_closed(SOON_S)).code == 4002
    for user in ("ann", "ben"):
        with pytest.raises(ClosedError):
            await ChatClient.connect(workers[0].url, token(user, **EARLIER))
