"""What others see of a user: of all devices together, through reconnects and deaths of workers."""

import asyncio
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import heard, of_type, said
from tests.support import http
from tests.support.client import ChatClient, Event
from tests.support.cluster import NO_LIMITS, Cluster, shared
from tests.support.redis_server import RedisServer
from tests.support.waiting import until
from tests.support.worker import Worker

StartCluster = Callable[..., Awaitable[Cluster]]
#: For tests that end workers.
SHORT = {
    "lease_ttl": 3.0,
    "lease_interval": 0.5,
    "presence_grace": 0.5,
    "presence_change_interval": 0.2,
}


@pytest.fixture(scope="module")
def pair(redis_server: RedisServer) -> Iterator[Cluster]:
    """Two workers with a short grace, shared by the tests that do them no harm."""
    with shared(redis_server, 2, presence_grace=0.5, presence_change_interval=0.2) as made:
        yield made


@pytest.fixture
def ann() -> str:
    """A user no other test has."""
    return f"ann-{uuid.uuid4().hex[:6]}"


async def choose(client: ChatClient, state: str, **more: Any) -> None:
    answer = await client.command("set_presence", state=state, **more)
    assert answer == {"type": "ack", "id": answer["id"]}, answer


async def states(client: ChatClient, room: str, *users: str) -> list[Event]:
    answer = await client.command("users", roomId=room, userIds=list(users))
    assert answer["type"] == "users", answer
    found: list[Event] = answer["users"]
    return found


async def state_becomes(client: ChatClient, room: str, user: str, state: str) -> Event:
    found: Event = {}

    async def is_so() -> bool:
        found.clear()
        found.update((await states(client, room, user))[0])
        return bool(found["state"] == state)

    await until(is_so, 30, what=f"{user} to be {state}", interval_s=0.05)
    return found


async def listed(client: ChatClient, room: str, user: str) -> Event:
    page = await client.command("presence", roomId=room)
    (found,) = [member for member in page["members"] if member["userId"] == user]
    return dict(found)


def told_of(client: ChatClient, user: str) -> list[tuple[str, str | None]]:
    return [
        (event["state"], event.get("status"))
        for event in of_type(client, "presence_changed")
        if event["userId"] == user
    ]


async def test_a_choice_is_told_in_every_room_of_every_device(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    laptop = await connect(pair[0], ann, room)
    phone = await connect(pair[1], ann, f"{room}-2")
    ben = await connect(pair[1], "ben", room)
    cleo = await connect(pair[0], "cleo", f"{room}-2")
    await choose(laptop, "busy", status="In a meeting")
    for watcher, where in ((ben, room), (cleo, f"{room}-2"), (phone, f"{room}-2")):
        assert await watcher.wait_for("presence_changed") == {
            "type": "presence_changed",
            "roomId": where,
            "userId": ann,
            "state": "busy",
            "status": "In a meeting",
        }
        assert await listed(watcher, where, ann) == {
            "userId": ann,
            "state": "busy",
            "status": "In a meeting",
        }
    await choose(phone, "online", status="")
    event = await ben.wait_for("presence_changed")
    assert (event["state"], "status" in event) == ("online", False)
    assert await listed(ben, room, ann) == {"userId": ann}


async def test_the_status_stays_where_only_the_state_is_chosen(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    user = await connect(pair[0], ann, room)
    ben = await connect(pair[1], "ben", room)
    await choose(user, "online", status=" on the train ")
    await ben.wait_for("presence_changed")
    await choose(user, "away")
    await ben.wait_for("presence_changed")
    assert told_of(ben, ann) == [("online", "on the train"), ("away", "on the train")]


async def test_the_last_of_many_choices_is_told_and_few_are(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    user = await connect(pair[0], ann, room)
    ben = await connect(pair[1], "ben", room)
    began_s = time.monotonic()
    for number in range(100):
        await user.send(type="set_presence", state="away", status=str(number))
    await ben.wait_for(lambda event: event.get("status") == "99")
    # Two or three, unless this machine is very slow: then one an interval of 0.2 s.
    assert len(told_of(ben, ann)) <= 5 + 5 * (time.monotonic() - began_s)


async def test_a_user_is_away_when_nobody_is_at_any_device(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    laptop = await connect(pair[0], ann, room)
    phone = await connect(pair[1], ann, room)
    ben = await connect(pair[1], "ben", room)
    await choose(laptop, "away", automatic=True)
    await asyncio.sleep(0.5)
    assert (await states(ben, room, ann))[0]["state"] == "online"
    await choose(phone, "away", automatic=True)
    assert (await ben.wait_for("presence_changed"))["state"] == "away"
    await choose(laptop, "online", automatic=True)
    assert (await ben.wait_for("presence_changed"))["state"] == "online"
    await choose(phone, "busy")
    assert (await ben.wait_for("presence_changed"))["state"] == "busy"
    await choose(laptop, "away", automatic=True)  # what was chosen is stronger
    await laptop.close()
    assert (await states(ben, room, ann))[0]["state"] == "busy"


async def test_another_device_that_comes_or_goes_decides_too(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    laptop = await connect(pair[0], ann, room)
    ben = await connect(pair[1], "ben", room)
    await choose(laptop, "away", automatic=True)
    assert (await ben.wait_for("presence_changed"))["state"] == "away"
    phone = await connect(pair[1], ann)
    assert (await ben.wait_for("presence_changed"))["state"] == "online"
    await phone.abort()
    assert (await ben.wait_for("presence_changed"))["state"] == "away"


async def test_a_choice_survives_a_reload_without_a_flicker(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    pair = await cluster(2, presence_grace=20.0, presence_change_interval=0.2, **NO_LIMITS)
    ben = await connect(pair[1], "ben", room)
    user = await connect(pair[0], ann, room)
    await choose(user, "busy", status="x")
    await ben.wait_for("presence_changed")
    await user.abort()
    user = await connect(pair[0], ann, room)
    await choose(user, "busy", status="y")
    await ben.wait_for(lambda event: event.get("status") == "y")
    assert told_of(ben, ann) == [("busy", "x"), ("busy", "y")]
    await user.abort()
    user = await connect(pair[1], ann, room)  # a worker that has not had the user
    await choose(user, "busy", status="z")
    await ben.wait_for(lambda event: event.get("status") == "z")
    assert {state for state, _ in told_of(ben, ann)} == {"busy"}
    assert not of_type(ben, "user_left")


async def test_who_comes_back_later_shows_what_was_chosen_before(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    ben = await connect(pair[1], "ben", room)
    user = await connect(pair[0], ann, room)
    await choose(user, "busy", status="x")
    await ben.wait_for("presence_changed")
    await user.close()
    await ben.wait_for("user_left")
    offline = await state_becomes(ben, room, ann, "offline")
    assert "status" not in offline  # nothing ties the user to the room any more
    await connect(pair[1], ann, room)
    await until(lambda: _is_seen_busy(ben, ann))
    assert await listed(ben, room, ann) == {"userId": ann, "state": "busy", "status": "x"}


def _is_seen_busy(client: ChatClient, user: str) -> bool:
    last = [event for event in client.received if event.get("userId") == user][-1]
    return (last.get("state"), last.get("status")) == ("busy", "x")


async def test_last_seen_is_told_of_users_of_the_room_only(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    ben = await connect(pair[1], "ben", room)
    stranger = f"{ann}-2"
    before_ms = time.time() * 1000
    for user in (ann, stranger):
        client = await connect(pair[0], user, room)
        await said(client, room, ["1"])
        if user == ann:
            await client.command("mark_read", roomId=room, seq=1)
        await client.close()
    found = await state_becomes(ben, room, ann, "offline")
    await until(lambda: _has_left(ben, stranger))
    (of_ann, of_stranger) = await states(ben, room, ann, stranger)
    assert before_ms < of_ann["lastSeen"] < time.time() * 1000, found
    assert of_stranger == {"userId": stranger, "state": "offline"}
    answer = await ben.command("users", roomId="elsewhere", userIds=[ann])
    assert answer["code"] == "not_joined"


def _has_left(client: ChatClient, user: str) -> bool:
    return any(event["userId"] == user for event in of_type(client, "user_left"))


async def test_a_worker_keeps_nothing_for_who_is_plainly_online(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(1, **SHORT, **NO_LIMITS)
    users = [await connect(workers[0], f"{ann}-{number}", room) for number in range(5)]
    await choose(users[0], "busy")
    await until(lambda: _known(workers[0], 1), interval_s=0.1)
    await choose(users[0], "online")
    await until(lambda: _known(workers[0], 0), interval_s=0.1)
    await choose(users[0], "busy")
    await until(lambda: _known(workers[0], 1), interval_s=0.1)
    await users[0].close()
    await until(lambda: _known(workers[0], 0), interval_s=0.1)


async def _known(worker: Worker, count: int) -> bool:
    text = (await http.get(worker.ops_port, "/metrics")).body
    return f"chat_user_states {float(count)}" in text


async def test_to_a_private_room_belongs_who_takes_part_present_or_not(
    pair: Cluster, connect: Connect, ann: str
) -> None:
    creator = await connect(pair[0], ann, rooms={"*": ["join", "publish", "create"]})
    taking_part, invited = f"{ann}-2", f"{ann}-3"
    made = await creator.command("create_room", userIds=[taking_part, invited])
    private = made["roomId"]
    await creator.join(private)
    for user in (taking_part, invited):
        client = await connect(pair[1], user)
        if user == taking_part:
            await client.command("answer_invitation", roomId=private, accept=True)
        await choose(client, "away", status="x")

    async def are_shown() -> bool:
        found = await states(creator, private, taking_part, invited)
        return found == [
            {"userId": taking_part, "state": "away", "status": "x"},
            {"userId": invited, "state": "offline"},
        ]

    await until(are_shown)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "offline"},
        {"state": "away", "status": "x" * 101},
        {"state": "away", "status": "two\nlines"},
        {"state": "away", "status": "turned \u202e round"},
        {"state": "busy", "automatic": True},
        {"state": "away", "status": "x", "automatic": True},
    ],
    ids=str,
)
async def test_what_cannot_be_a_state_is_refused(
    pair: Cluster, connect: Connect, ann: str, fields: dict[str, Any]
) -> None:
    user = await connect(pair[0], ann)
    answer = await user.command("set_presence", **fields)
    assert answer["code"] == "invalid_message"


async def test_emoji_of_many_parts_are_printable(
    pair: Cluster, connect: Connect, room: str, ann: str
) -> None:
    user = await connect(pair[0], ann, room)
    await choose(user, "away", status="👩‍👩‍👧 ❤️")
    assert (await user.wait_for("presence_changed"))["status"] == "👩‍👩‍👧 ❤️"


async def test_a_large_room_lists_states_and_is_not_told_of_changes(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(1, large_room_members=1, **SHORT, **NO_LIMITS)
    ben = await connect(workers[0], "ben", room)
    user = await connect(workers[0], ann, room)
    await choose(user, "busy")

    async def is_listed() -> bool:
        return (await listed(ben, room, ann)).get("state") == "busy"

    await until(is_listed)
    await said(user, room, ["goes the same way"])
    await heard(ben, room, "goes the same way")
    assert not of_type(ben, "presence_changed")


async def test_a_killed_worker_leaves_nothing_behind_but_the_choice(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(2, **SHORT, **NO_LIMITS)
    ben = await connect(workers[0], "ben", room)
    laptop = await connect(workers[0], ann, room)
    phone = await connect(workers[1], ann, room)
    gone = await connect(workers[1], f"{ann}-2", room)
    await said(gone, room, ["1"])
    await gone.command("mark_read", roomId=room, seq=1)
    await choose(gone, "busy", status="x")
    await ben.wait_for(lambda event: event.get("state") == "busy")
    await choose(laptop, "away", automatic=True)
    await phone.command("ping")
    killed_ms = time.time() * 1000
    workers[1].signal(signal.SIGKILL)
    # The phone is gone, and nobody is at the laptop.
    away = await ben.wait_for(lambda event: event.get("state") == "away", 30.0)
    assert away["userId"] == ann
    found = await state_becomes(ben, room, f"{ann}-2", "offline")
    await until(lambda: _has_left(ben, f"{ann}-2"))
    found = (await states(ben, room, f"{ann}-2"))[0]
    # When the lease had run out: nobody knows better.
    assert killed_ms < found["lastSeen"] < time.time() * 1000
    back = await connect(workers[0], f"{ann}-2", room)
    await until(lambda: _is_seen_busy(ben, f"{ann}-2"))
    await back.command("ping")


@pytest.mark.slow
async def test_a_worker_that_was_frozen_beyond_its_lease_gets_its_users_back(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(2, **SHORT, **NO_LIMITS)
    ben = await connect(workers[0], "ben", room)
    user = await connect(workers[1], ann, room)
    await said(user, room, ["1"])
    await user.command("mark_read", roomId=room, seq=1)
    await choose(user, "busy", status="x")
    await ben.wait_for("presence_changed")
    workers[1].pause()
    try:
        await ben.wait_for("user_left")
        assert (await state_becomes(ben, room, ann, "offline"))["status"] == "x"
    finally:
        workers[1].resume()
    assert (await state_becomes(ben, room, ann, "busy"))["status"] == "x"
    await until(lambda: _is_seen_busy(ben, ann))
    await asyncio.sleep(3.5)  # who sweeps is done, and has taken nobody out who is back
    assert (await states(ben, room, ann))[0]["state"] == "busy"


async def test_a_drained_worker_hands_its_users_over(
    cluster: StartCluster, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(2, **{**SHORT, "presence_grace": 20.0}, **NO_LIMITS)
    ben = await connect(workers[0], "ben", room)
    user = await connect(workers[1], ann, room)
    await choose(user, "away", status="x")
    await ben.wait_for("presence_changed")
    workers[1].signal(signal.SIGTERM)
    await user.wait_closed()
    await connect(workers[0], ann, room)
    await workers[1].wait_ended()
    await ben.command("ping")
    assert set(told_of(ben, ann)) == {("away", "x")}  # the new worker may say it once more
    assert not _has_left(ben, ann)
    assert (await states(ben, room, ann))[0]["state"] == "away"


async def test_a_choice_that_is_made_while_redis_is_away_gets_there(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **SHORT, **NO_LIMITS)
    user = await connect(workers[0], ann, room)
    ben = await connect(workers[1], "ben", room)
    await asyncio.to_thread(fresh_redis.stop)
    await choose(user, "away", status="x")
    await choose(user, "busy")
    await asyncio.to_thread(fresh_redis.start)

    async def is_there() -> bool:
        page = await ben.command("presence", roomId=room)
        return {"userId": ann, "state": "busy", "status": "x"} in page.get("members", [])

    await until(is_there, 30.0)  # ben's worker may not hear the room again when it is told


async def test_without_last_seen_nobody_is_told_and_nothing_is_kept(
    cluster: StartCluster, redis_server: RedisServer, redis_prefix: str, connect: Connect, room: str
) -> None:
    workers = await cluster(1, last_seen_ttl=0, **SHORT, **NO_LIMITS)
    ben = await connect(workers[0], "ben", room)
    user = await connect(workers[0], "ann", room)
    await said(user, room, ["1"])
    await user.command("mark_read", roomId=room, seq=1)
    key = f"{redis_prefix}:presence:{{ann}}"
    await until(lambda: bool(redis_server.run("EXISTS", key)))
    await user.close()
    assert await state_becomes(ben, room, "ann", "offline") == {"userId": "ann", "state": "offline"}
    await until(lambda: not redis_server.run("EXISTS", key))


async def test_after_a_flush_who_is_here_is_announced_again(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str, ann: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **SHORT, **NO_LIMITS)
    user = await connect(workers[0], ann)  # in no room
    fresh_redis.run("FLUSHALL")
    await until(lambda: bool(fresh_redis.run("KEYS", f"*:presence:{{{ann}}}")))
    await choose(user, "busy")
    await user.join(room)

    async def is_busy() -> bool:
        return (await listed(user, room, ann)).get("state") == "busy"

    await until(is_busy)
