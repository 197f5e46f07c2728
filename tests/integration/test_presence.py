"""Who is in a room, in the whole cluster, also when workers die, freeze and come back."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import (
    heard,
    member_count,
    members,
    members_become,
    of_type,
    said,
)
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import token
from tests.support.waiting import until
from tests.support.worker import Worker

StartCluster = Callable[..., Awaitable[Cluster]]
SHORT_LEASE = {"lease_ttl": 3.0, "lease_interval": 0.5, "presence_grace": 1.0}


async def test_the_member_count_is_that_of_the_cluster(
    pair: Cluster, connect: Connect, room: str
) -> None:
    clients = [await connect(pair[n % 2], f"user{n}") for n in range(4)]
    counts = [(await client.join(room))["memberCount"] for client in clients]
    assert counts == [1, 2, 3, 4]
    assert await members(clients[0], room) == {"user0", "user1", "user2", "user3"}
    assert await member_count(clients[3], room) == 4


async def test_a_join_and_a_leave_are_told_once_to_all(
    pair: Cluster, connect: Connect, room: str
) -> None:
    watchers = [await connect(pair[n], f"watcher{n}", room) for n in range(2)]
    guest = await connect(pair[0], "guest", room, user={"name": "A Guest"})
    await guest.command("leave_room", roomId=room)
    for watcher in watchers:
        left = await watcher.wait_for("user_left")
        assert left == {"type": "user_left", "roomId": room, "userId": "guest", "memberCount": 2}
        await watcher.command("ping")
        joined = [e for e in of_type(watcher, "user_joined") if e["userId"] == "guest"]
        assert [(e["memberCount"], e["user"]) for e in joined] == [(3, {"name": "A Guest"})]
        assert len(of_type(watcher, "user_left")) == 1


async def test_two_devices_of_a_user_are_one_member(
    pair: Cluster, connect: Connect, room: str
) -> None:
    watcher = await connect(pair[0], "watcher", room)
    devices = [await connect(pair[n % 2], "ann") for n in range(3)]
    for device in devices:
        assert (await device.join(room))["memberCount"] == 2
    assert await members(watcher, room) == {"watcher", "ann"}
    for device in devices[:2]:
        await device.command("leave_room", roomId=room)
    assert await member_count(watcher, room) == 2
    assert not of_type(watcher, "user_left")
    await devices[2].command("leave_room", roomId=room)
    left = await watcher.wait_for("user_left")
    assert (left["userId"], left["memberCount"]) == ("ann", 1)
    joins = [e for e in of_type(watcher, "user_joined") if e["userId"] == "ann"]
    assert len(joins) == 1


async def test_devices_that_join_at_the_same_moment_are_told_a_count_with_themselves_in_it(
    pair: Cluster, connect: Connect, room: str
) -> None:
    devices = [await connect(pair[0], "ann") for _ in range(5)]
    answers = await asyncio.gather(*(device.join(room) for device in devices))
    assert [answer["memberCount"] for answer in answers] == [1] * 5


async def test_who_leaves_in_the_middle_of_a_join_is_not_left_behind(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, presence_grace=0.5, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    for n in range(30):
        hasty = await ChatClient.connect(workers[n % 2].url, token(f"hasty{n}"))
        await hasty.send(type="join_room", roomId=room)
        if n % 3:
            await asyncio.sleep(0)
        await hasty.abort()
    last = await connect(workers[0], "last", room)
    await last.abort()
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "last", 30.0)
    await members_become(watcher, room, {"watcher"})


async def test_the_member_list_comes_in_pages(pair: Cluster, connect: Connect, room: str) -> None:
    for n in range(5):
        await connect(pair[n % 2], f"user{n}", room, user={"name": f"User {n}"})
    client = await connect(pair[0], "ann", room)
    found: dict[str, object] = {}
    cursor: str | None = "0"
    while cursor is not None:
        page = await client.command("presence", roomId=room, cursor=cursor, limit=2)
        found |= {member["userId"]: member.get("user") for member in page["members"]}
        cursor = page.get("cursor")
    assert found == {f"user{n}": {"name": f"User {n}"} for n in range(5)} | {"ann": None}


async def test_a_user_whose_connection_broke_leaves_after_the_grace(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, presence_grace=0.5, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    closing = await connect(workers[0], "closing", room)
    breaking = await connect(workers[1], "breaking", room)
    await closing.close()
    await breaking.abort()
    await members_become(watcher, room, {"watcher"})
    await until(lambda: len(of_type(watcher, "user_left")) == 2)


@pytest.mark.slow
async def test_a_reconnect_within_the_grace_does_not_flicker(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, presence_grace=5.0, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    ann = await connect(workers[1], "ann", room)
    for n in range(4):  # on the same worker and on the other one
        await ann.abort()
        ann = await connect(workers[n // 2], "ann", room)
    goes = await connect(workers[1], "goes", room)
    await goes.abort()
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "goes", 30.0)
    await watcher.command("ping")
    told = [e["type"] for e in watcher.received if e.get("userId") == "ann"]
    assert told == ["user_joined"]
    assert await members(watcher, room) == {"watcher", "ann"}


@pytest.mark.slow
async def test_who_comes_back_after_the_subscription_lingered_stays_a_member(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    """The grace may outlive the subscription; it must not take out who has returned."""
    workers = await cluster(2, presence_grace=6.0, subscription_linger=0.2, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    ann = await connect(workers[1], "ann", room)
    other = await connect(workers[1], "other", room)
    await ann.abort()
    await other.abort()
    visitor = await connect(workers[1], "visitor", f"{room}-2")
    await visitor.command("leave_room", roomId=f"{room}-2")
    await until(lambda: _rooms_of(workers[1], at_most=1), 30.0, interval_s=0.1)
    ann = await connect(workers[1], "ann", room)
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "other", 30.0)
    await watcher.command("ping")
    assert await members(watcher, room) == {"watcher", "ann"}
    assert [e["type"] for e in watcher.received if e.get("userId") == "ann"] == ["user_joined"]


@pytest.mark.slow
async def test_who_is_back_before_a_crowd_has_left_never_left(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(
        2, presence_grace=0.2, presence_leaves_per_s=1, subscription_linger=0.2, **NO_LIMITS
    )
    watcher = await connect(workers[0], "watcher", room)
    crowd = [await connect(workers[1], f"user-{n}", room) for n in range(6)]
    for client in crowd:
        await client.abort()
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "user-1", 30.0)
    await connect(workers[1], "user-5", room)
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "user-4", 30.0)
    await watcher.command("ping")
    assert await members(watcher, room) == {"watcher", "user-5"}
    left = [e["userId"] for e in of_type(watcher, "user_left")]
    assert left == [f"user-{n}" for n in range(5)], "longest away first, and nobody twice"


async def test_a_worker_leaves_a_room_that_nobody_came_back_to(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, presence_grace=1.0, subscription_linger=0.2, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    assert not await _rooms_of(workers[0], at_most=0)
    await ann.abort()
    await until(lambda: _rooms_of(workers[0], at_most=0), 30.0, interval_s=0.1)


async def _rooms_of(worker: Worker, *, at_most: int) -> bool:
    text = (await http.get(worker.ops_port, "/metrics")).body
    (line,) = [line for line in text.splitlines() if line.startswith("chat_rooms ")]
    return float(line.split()[1]) <= at_most


async def test_a_killed_worker_leaves_presence_within_the_lease(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, **SHORT_LEASE, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    for n in range(3):
        await connect(workers[1], f"victim{n}", room)
    assert await member_count(watcher, room) == 4
    workers[1].signal(signal.SIGKILL)
    await members_become(watcher, room, {"watcher"})
    await until(lambda: len(of_type(watcher, "user_left")) >= 3)
    left = of_type(watcher, "user_left")
    assert sorted(event["userId"] for event in left) == ["victim0", "victim1", "victim2"]
    assert left[-1]["memberCount"] == 1


async def test_a_user_on_a_killed_worker_and_on_another_one_stays(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, **SHORT_LEASE, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    await connect(workers[0], "both", room)
    await connect(workers[1], "both", room)
    await connect(workers[1], "victim", room)
    workers[1].signal(signal.SIGKILL)
    await members_become(watcher, room, {"watcher", "both"})
    await until(lambda: of_type(watcher, "user_left"))
    assert [e["userId"] for e in of_type(watcher, "user_left")] == ["victim"]


@pytest.mark.slow
async def test_users_of_a_killed_worker_that_come_back_in_time_do_not_flicker(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, lease_ttl=5.0, lease_interval=0.5, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    await connect(workers[1], "back", room)
    await connect(workers[1], "gone", room)
    workers[1].signal(signal.SIGKILL)
    await connect(workers[0], "back", room)
    await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "gone", 30.0)
    assert [e["type"] for e in watcher.received if e.get("userId") == "back"] == ["user_joined"]
    assert await members(watcher, room) == {"watcher", "back"}


async def test_a_worker_that_was_frozen_beyond_its_lease_gets_its_members_back(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, **SHORT_LEASE, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    frozen = await connect(workers[1], "frozen", room)
    workers[1].pause()
    try:
        await members_become(watcher, room, {"watcher"})
        await said(watcher, room, ["while it slept"])
    finally:
        workers[1].resume()
    await members_become(watcher, room, {"watcher", "frozen"})
    await heard(frozen, room, "while it slept")
    await workers.wait_ready()


async def test_a_drained_worker_hands_its_members_over_for_the_grace(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, lease_ttl=60.0, lease_interval=0.5, presence_grace=4.0, **NO_LIMITS)
    watcher = await connect(workers[0], "watcher", room)
    await connect(workers[1], "moves", room)
    await connect(workers[1], "stops", room)
    workers[1].signal(signal.SIGTERM)
    await connect(workers[0], "moves", room)
    await members_become(watcher, room, {"watcher", "moves"})  # long before the lease would end
    await until(lambda: of_type(watcher, "user_left"))
    assert [e["userId"] for e in of_type(watcher, "user_left")] == ["stops"]
    await workers[1].wait_ended()


async def test_a_large_room_is_told_counts_instead_of_names(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(
        2, large_room_members=3, member_count_interval=0.2, presence_grace=0.2, **NO_LIMITS
    )
    watcher = await connect(workers[0], "watcher", room)
    guests = [await connect(workers[n % 2], f"guest{n}", room) for n in range(6)]
    await watcher.wait_for(lambda e: e["type"] == "member_count" and e["memberCount"] == 7)
    named = {e["userId"] for e in of_type(watcher, "user_joined")} - {"watcher"}
    assert named <= {"guest0", "guest1"}
    for guest in guests[3:]:
        await guest.command("leave_room", roomId=room)
    await members_become(watcher, room, {"watcher", "guest0", "guest1", "guest2"})
    await guests[0].command("leave_room", roomId=room)
    left = await watcher.wait_for(lambda e: e["type"] == "user_left" and e["userId"] == "guest0")
    assert left["memberCount"] == 3
