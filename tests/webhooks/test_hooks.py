"""`chat hooks` beside a worker: what is posted, to whom, in which order."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.broker.keys import Keys
from chat.broker.news import News
from chat.identity.access import Action
from chat.settings import Settings
from tests.support.client import ChatClient
from tests.support.cluster import Cluster, shared
from tests.support.hooks import Dispatching
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

#: All that a token can allow.
ALL = {"*": [action.value for action in Action]}


@pytest.fixture(scope="module")
def workers(redis_server: RedisServer) -> Iterator[Cluster]:
    with shared(redis_server, 1, webhooks=True, webhook_events_kept=2000, history_size=50) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


def settings_of(workers: Cluster, **more: Any) -> dict[str, Any]:
    """Settings with a lease that outlives a moment in which the machine stands still."""
    return workers[0].settings | {"lease_ttl": 8.0} | more


@pytest.fixture
async def hooks(workers: Cluster, receiver: Receiver) -> AsyncIterator[Dispatching]:
    async with Dispatching(settings_of(workers), receiver.url) as made:
        yield made


async def enter(workers: Cluster, room: str, user: str = "ada") -> ChatClient:
    client = await ChatClient.connect(workers[0].url, workers.token(user))
    await client.join(room)
    return client


async def test_a_message_and_what_becomes_of_it_are_posted_signed_and_in_order(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    ada = await enter(workers, room)
    said = await ada.say(room, "Hello", client_message_id="c1")
    named = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
    await ada.command("add_reaction", **named, reaction="👍")
    await ada.command("edit_message", **named, content="Hello!")
    await ada.command("delete_message", **named)
    kinds = ("chat_message", "reaction_added", "message_edited", "message_deleted")
    told = await receiver.until(4, *kinds, room=room)
    await ada.close()

    assert [event["type"] for event in told] == list(kinds)
    assert [event["seq"] for event in told] == [1, 2, 3, 4]
    assert told[0]["eventId"] == f"{room}:{said['epoch']}:1"
    assert told[0]["messageId"] == said["messageId"]
    assert all(taken.is_signed for taken in receiver.deliveries)


async def test_what_happens_in_private_rooms_and_inboxes_is_posted_too(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    ada = await ChatClient.connect(workers[0].url, workers.token(f"ada-{room}", rooms=ALL))
    private = f"private:{room}"
    made = await ada.command("create_room", roomId=private, title="Ours", userIds=[f"bob-{room}"])
    assert made["type"] == "room_created", made
    await ada.join(private)
    await ada.say(private, "between us")
    told = await receiver.until(3, "participant_changed", "chat_message", room=private)
    inbox = await receiver.until(1, "membership_changed", room=ada.connected["inbox"])
    await ada.close()
    assert [event["type"] for event in told if event["type"] != "participant_changed"] == [
        "chat_message"
    ]
    seqs = [event["seq"] for event in receiver.events(room=private) if "seq" in event]
    assert seqs == list(range(1, len(seqs) + 1))
    assert inbox[0]["membership"]["roomId"] == private


async def test_connects_joins_leaves_and_disconnects_are_posted_in_order(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    ada = await enter(workers, room, f"ada-{room}")
    await ada.command("leave_room", roomId=room)
    await ada.close(1000)
    came = [
        event
        for event in await until(lambda: _of(receiver, f"ada-{room}", 4), what="four events")
        if "roomId" not in event
    ]
    moved = receiver.events("user_joined", "user_left", room=room)

    assert [event["type"] for event in came] == ["connected", "disconnected"]
    assert came[0]["connectionId"] == came[1]["connectionId"] == ada.connected["connectionId"]
    assert came[1]["code"] == 1000
    assert [(event["type"], event["memberCount"]) for event in moved] == [
        ("user_joined", 1),
        ("user_left", 0),
    ]


def _of(receiver: Receiver, user: str, count: int) -> list[dict[str, Any]]:
    found = [event for event in receiver.events() if event.get("userId") == user]
    return found if len(found) >= count else []


async def test_what_was_said_while_no_process_ran_is_posted_later(
    workers: Cluster, receiver: Receiver, room: str
) -> None:
    ada = await enter(workers, room)
    for number in range(20):
        await ada.say(room, str(number))
    await ada.close()
    async with Dispatching(settings_of(workers), receiver.url):
        await receiver.until(20, "chat_message", room=room)
    assert receiver.contents(room) == [str(number) for number in range(20)]
    told = [taken.events[0] for taken in receiver.deliveries]
    assert len([first for first in told if first.get("roomId") == room and "seq" in first]) <= 2


async def test_what_history_has_forgotten_is_told_as_a_gap(
    workers: Cluster, receiver: Receiver, room: str
) -> None:
    ada = await enter(workers, room)
    for number in range(60):  # of which the room keeps 50
        await ada.say(room, str(number))
    await ada.close()
    async with Dispatching(settings_of(workers), receiver.url):
        told = await receiver.until(51, "chat_message", "gap", room=room)
    assert told[0]["type"] == "gap"
    assert (told[0]["reason"], told[0]["fromSeq"], told[0]["toSeq"]) == ("trimmed", 1, 10)
    assert [event["seq"] for event in told[1:]] == list(range(11, 61))


async def test_a_room_that_redis_has_lost_is_told_as_a_gap_and_begins_anew(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str, redis_server: RedisServer
) -> None:
    ada = await enter(workers, room)
    for content in ("one", "two", "three"):
        await ada.say(room, content)
    await receiver.until(3, "chat_message", room=room)
    receiver.answer = lambda _: (503, {})
    await ada.say(room, "four")
    await until(lambda: receiver.deliveries[-1].status == 503, what="a failed attempt")
    keys = Keys(str(workers[0].settings["redis_prefix"]))
    redis_server.run("DEL", keys.stream(room), keys.history(room))
    said = await ada.say(room, "one again")
    receiver.answer = lambda _: (204, {})
    told = await receiver.until(5, "chat_message", "gap", room=room)
    await ada.close()
    assert [event["type"] for event in told[3:]] == ["gap", "chat_message"]
    assert told[3]["reason"] == "reset"
    assert (told[4]["seq"], told[4]["epoch"]) == (1, said["epoch"])
    assert told[4]["epoch"] != told[0]["epoch"]


async def test_an_endpoint_that_wants_no_more_is_left_alone_for_the_longest_pause(
    workers: Cluster, receiver: Receiver, room: str
) -> None:
    receiver.answer = lambda _: (410, {})
    settings = settings_of(workers, webhook_retry_max=300.0)
    async with Dispatching(settings, receiver.url) as hooks:
        ada = await enter(workers, room)
        for number in range(5):
            await ada.say(room, str(number))
        await until(lambda: hooks.metric("chat_hooks_circuit_open") == 1, what="an open circuit")
        await ada.say(room, "later")  # meanwhile what was under way is answered
        before = len(receiver.deliveries)
        await ada.say(room, "later still")
        await until(lambda: hooks.metric("chat_hooks_rooms_due") >= 1, what="a room that waits")
        await ada.close()
    assert len(receiver.deliveries) == before
    asked = [event.get("content") for taken in receiver.deliveries for event in taken.events]
    assert "later" not in asked


async def test_an_endpoint_that_fails_gets_the_same_delivery_again(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    answers = iter([(500, {}), (302, {"Location": receiver.url}), (503, {"Retry-After": "0"})])
    receiver.answer = lambda events: (
        next(answers, (200, {})) if events[0].get("roomId") == room and _said(events) else (200, {})
    )
    ada = await enter(workers, room)
    await ada.say(room, "once")
    await receiver.until(1, "chat_message", room=room)
    await ada.close()
    tries = [
        taken
        for taken in receiver.deliveries
        if taken.events[0].get("roomId") == room and _said(taken.events)
    ]
    assert [taken.status for taken in tries] == [500, 302, 503, 200]
    assert len({taken.delivery_id for taken in tries}) == 1
    assert hooks.metric("chat_hooks_attempts_total", 'status="302"') == 1


def _said(events: list[dict[str, Any]]) -> bool:
    return bool(events[0]["type"] == "chat_message")


async def test_an_event_that_is_refused_again_and_again_is_passed_over_and_no_other(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    await receiver.stop()
    ada = await enter(workers, room)
    for number in range(9):
        await ada.say(room, "poison" if number == 4 else str(number))
    receiver.answer = lambda events: (
        (422, {}) if any(event.get("content") == "poison" for event in events) else (200, {})
    )
    await receiver.start()
    await receiver.until(8, "chat_message", room=room)
    await ada.close()
    assert receiver.contents(room) == ["0", "1", "2", "3", "5", "6", "7", "8"]
    assert hooks.metric("chat_hooks_events_refused_total") == 1


async def test_endpoints_get_their_rooms_and_events_and_do_not_wait_for_each_other(
    workers: Cluster, receiver: Receiver, room: str, tmp_path: Path
) -> None:
    down = Receiver()  # is never started
    (tmp_path / "secret").write_text(receiver.secret)
    endpoint = '[[endpoint]]\nname = "{}"\nurl = "{}"\nsecret_file = "secret"\n'
    config = tmp_path / "webhooks.toml"
    config.write_text(
        endpoint.format("crm", receiver.url)
        + f'rooms = ["{room}"]\nevents = ["chat_*", "user_joined"]\n'
        + endpoint.format("down", down.url)
    )
    settings = settings_of(workers, webhooks_file=str(config))
    async with Dispatching(settings) as hooks:
        ada = await enter(workers, room)
        said = await ada.say(room, "for the crm")
        named = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
        await ada.command("edit_message", **named, content="edited")
        await ada.say(room, "second")
        bob = await enter(workers, f"{room}-other", "bob")
        await bob.say(f"{room}-other", "not for the crm")
        await receiver.until(2, "chat_message", room=room)
        await receiver.until(1, "user_joined", room=room)
        await until(
            lambda: hooks.metric("chat_hooks_rooms_due", 'endpoint="crm"') == 0,
            what="nothing due to crm",
        )
        await until(
            lambda: hooks.metric("chat_hooks_rooms_due", 'endpoint="down"') >= 2,
            what="two rooms due to the other",
        )
        assert hooks.metric("chat_hooks_oldest_seconds", 'endpoint="down"') > 0
        await ada.close()
        await bob.close()
    assert {event["type"] for event in receiver.events()} == {"chat_message", "user_joined"}
    assert {event["roomId"] for event in receiver.events()} == {room}


async def test_secrets_are_replaced_without_a_delivery_that_one_side_cannot_verify(
    workers: Cluster, receiver: Receiver, room: str, tmp_path: Path
) -> None:
    new = "whsec_" + "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3"
    secret = tmp_path / "secret"
    secret.write_text(receiver.secret)
    config = tmp_path / "webhooks.toml"
    config.write_text(
        f'[[endpoint]]\nname = "crm"\nurl = "{receiver.url}"\nsecret_file = "secret"\n'
    )
    async with Dispatching(settings_of(workers, webhooks_file=str(config))) as hooks:
        ada = await enter(workers, room)
        secret.write_text(f"{receiver.secret}\n{new}\n")
        hooks.endpoints[0].look()
        await ada.say(room, "signed by both")
        await receiver.until(1, "chat_message", room=room)
        receiver.secret = new
        await ada.say(room, "the receiver has gone over")
        await receiver.until(2, "chat_message", room=room)
        await ada.close()
    assert all(taken.is_signed for taken in receiver.deliveries)


async def test_two_processes_share_the_rooms_and_one_takes_over_all_when_the_other_leaves(
    workers: Cluster, hooks: Dispatching, receiver: Receiver, room: str
) -> None:
    async with Dispatching(settings_of(workers), receiver.url) as other:
        await until(
            lambda: [each.metric("chat_hooks_groups") for each in (hooks, other)] == [8, 8],
            what="eight groups each",
        )
        ada = await enter(workers, room)
        rooms = [f"{room}-{number}" for number in range(12)]
        for one in rooms:
            await ada.join(one)
            await ada.say(one, "before")
        for one in rooms:
            await receiver.until(1, "chat_message", room=one)
        assert receiver.doubles() == 0
        await other.close()
        for one in rooms:
            await ada.say(one, "after")
        for one in rooms:
            await receiver.until(2, "chat_message", room=one)
        await ada.close()
    assert all(receiver.contents(one) == ["before", "after"] for one in rooms)


async def test_news_that_pubsub_lost_are_found_by_the_sweep(
    workers: Cluster, receiver: Receiver, room: str, redis_server: RedisServer
) -> None:
    settings = settings_of(workers, webhook_sweep_interval=0.5)
    async with Dispatching(settings, receiver.url):
        ada = await enter(workers, room)
        await ada.say(room, "heard")
        await receiver.until(1, "chat_message", room=room)
        # What the script would have noted had its message been lost on the way to `chat hooks`.
        prefix = workers[0].settings["redis_prefix"]
        said = await ada.say(room, "second")
        await receiver.until(2, "chat_message", room=room)
        await until(lambda: not _noted(redis_server, prefix), what="all taken")
        lane = News(Keys(str(prefix)), Settings(), sharded=False).lane_of(room)
        redis_server.run("ZADD", lane.news, "NX", said["seq"], room)
        await until(lambda: receiver.doubles() == 1, what="the sweep")
        await ada.close()


def _noted(redis: RedisServer, prefix: Any) -> list[str]:
    return [key for key in redis.run("KEYS", f"{prefix}:*hooks:*") if key.endswith(":news")]
