"""Rosters where something goes wrong: a deaf worker, a death in between, a store that forgets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conversations.conftest import Connect, done, person, private_room
from tests.integration.talk import heard, members_become, of_type, said
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.proxy import FaultProxy, Link
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]
#: On a busy machine; who finds out by looking takes longer, `head_check_interval`.
SOON_S = 10.0


async def test_a_removed_user_gets_nothing_of_a_worker_that_did_not_hear_of_it(
    cluster: StartCluster, connect: Connect, fresh_redis: RedisServer
) -> None:
    """And is put out behind the event, as soon as the worker hears again."""
    async with FaultProxy(fresh_redis.port) as proxy:
        quick = {"redis_probe_interval": 0.2, "redis_probe_timeout": 60.0, **NO_LIMITS}
        deaf = (await cluster(1, redis=proxy.redis_url, **quick))[0]
        well = (await cluster(1, redis=fresh_redis, **quick))[0]
        ann = await person(connect, well, "ann")
        ben, cleo = [await person(connect, deaf, user) for user in ("ben", "cleo")]
        room = await private_room(ann, ben, cleo)
        for client in (ann, ben, cleo):
            await done(client, "join_room", roomId=room)
        [ack] = await said(ann, room, ["for all"])
        for client in (ben, cleo):
            await heard(client, room, "for all")
        proxy.black_hole(_is_pubsub)
        await done(ann, "remove_participant", roomId=room, userId="ben")
        await said(ann, room, ["without ben"])
        place: dict[str, Any] = {"roomId": room, "seq": ack["seq"], "messageId": ack["messageId"]}
        for answer in (
            await ben.say(room, "x"),
            await ben.command("history", roomId=room),
            await ben.command("presence", roomId=room),
            await ben.command("participants", roomId=room),
            await ben.command("add_reaction", reaction="x", **place),
            await ben.command("report_message", reason="x", **place),
            await ben.command("users", roomId=room, userIds=["ann"]),
            await ben.command("change_room", roomId=room, title="x"),
            await ben.join(room),
        ):
            assert (answer["type"], answer["code"]) == ("error", "forbidden")
        assert not of_type(ben, "room_left")
        proxy.cut(_is_pubsub)  # what was held back is lost
        await proxy.heal()
        assert (await ben.wait_for("room_left"))["reason"] == "removed"
        await heard(cleo, room, "without ben")
        assert len(ben.messages(room)) == 1
        assert not of_type(cleo, "room_left")


def _is_pubsub(link: Link) -> bool:
    return link.is_pubsub


async def test_a_removal_and_a_join_at_the_same_moment_leave_nobody_in(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    room = await private_room(ann)
    await done(ann, "join_room", roomId=room)
    for number in range(15):
        user = f"user{number}-{tag}"
        client = await person(connect, pair[1], user)
        await done(ann, "invite_user", roomId=room, userId=user)
        await done(client, "answer_invitation", roomId=room, accept=True)
        joined, _, _ = await asyncio.gather(
            client.join(room),
            done(ann, "remove_participant", roomId=room, userId=user),
            said(ann, room, [f"without {user}"]),
        )
        if joined["type"] == "room_joined":
            assert (await client.wait_for("room_left", SOON_S))["reason"] == "removed"
        else:
            assert joined["code"] == "forbidden"
        assert (await client.say(room, "x"))["code"] == "not_joined"
    await members_become(ann, room, {f"ann-{tag}"})


async def test_a_user_in_grace_leaves_at_once_when_removed(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(2, presence_grace=60.0, **NO_LIMITS)
    ann = await person(connect, workers[0], "ann-grace")
    ben = await person(connect, workers[1], "ben-grace")
    room = await private_room(ann, ben)
    for client in (ann, ben):
        await done(client, "join_room", roomId=room)
    await ben.abort()
    await done(ann, "remove_participant", roomId=room, userId="ben-grace")
    assert (await ann.wait_for("user_left", SOON_S))["userId"] == "ben-grace"


def keys_of(pair: Cluster, room: str, inbox: str) -> tuple[str, str, str]:
    """Return the roster, its note of what is unsettled, and the list of a user."""
    prefix = pair[0].settings["redis_prefix"]
    names = f"{{{room}}}:roster", f"{{{room}}}:unsettled", f"{{{inbox}}}:listing"
    roster, unsettled, listing = (f"{prefix}:{name}" for name in names)
    return roster, unsettled, listing


async def test_an_invitation_that_was_stored_and_not_told_is_told_when_somebody_comes_in(
    pair: Cluster, connect: Connect, tag: str, redis_server: RedisServer
) -> None:
    """As if the worker had died behind the roster and before the list."""
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    inbox = ben.connected["inbox"]
    room = await private_room(ann)
    await done(ann, "invite_user", roomId=room, userId=f"ben-{tag}")
    _, unsettled, listing = keys_of(pair, room, inbox)
    redis_server.run("DEL", listing)
    redis_server.run("HSET", unsettled, f"ben-{tag}", f"ann-{tag}")
    await done(ben, "join_room", roomId=inbox)
    await done(ann, "join_room", roomId=room)
    told = await ben.wait_for("membership_changed", SOON_S)
    assert (told["membership"]["roomId"], told["membership"]["by"]) == (room, f"ann-{tag}")
    assert [one["roomId"] for one in (await done(ben, "list_rooms"))["rooms"]] == [room]
    await until(lambda: redis_server.run("EXISTS", unsettled) == 0)


async def test_a_list_is_never_believed(
    pair: Cluster, connect: Connect, tag: str, redis_server: RedisServer
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    room = await private_room(ann)
    _, _, listing = keys_of(pair, room, ann.connected["inbox"])
    redis_server.run("HSET", listing, f"private:gone-{tag}", "oj")
    redis_server.run("HSET", listing, room, "pi")
    for _ in range(2):
        page = await done(ann, "list_rooms")
        assert page["rooms"] == [{"roomId": room, "role": "owner"}]
    assert redis_server.run("HGETALL", listing) == {room: "oj"}


async def test_a_list_that_was_lost_is_written_again_when_the_user_comes_in(
    pair: Cluster, connect: Connect, tag: str, redis_server: RedisServer
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    room = await private_room(ann)
    _, _, listing = keys_of(pair, room, ann.connected["inbox"])
    redis_server.run("DEL", listing)
    await done(ann, "join_room", roomId=room)
    await until(lambda: redis_server.run("HGET", listing, room) == "oj")


async def test_who_lost_the_seat_with_the_tail_of_the_store_is_put_out(
    cluster: StartCluster, connect: Connect, fresh_redis: RedisServer
) -> None:
    workers = await cluster(1, redis=fresh_redis, head_check_interval=1.0, **NO_LIMITS)
    ann = await person(connect, workers[0], "ann")
    room = await private_room(ann)
    await done(ann, "join_room", roomId=room)
    fresh_redis.run("FLUSHALL")
    assert (await ann.wait_for("gap"))["reason"] == "reset"
    assert (await ann.wait_for("room_left"))["reason"] == "removed"
    assert (await ann.join(room))["code"] == "forbidden"
