"""A room over HTTP: what is set of it, and setting it."""

from collections.abc import Awaitable, Callable
from typing import Any

from chat.identity.apikeys import PREFIX
from tests.api.conftest import Site
from tests.api.site import Answer
from tests.support.client import ChatClient
from tests.support.tokens import token

Enter = Callable[..., Awaitable[ChatClient]]
MODERATOR = token("mod", rooms={"*": ["join", "publish", "moderate"]}, user={"name": "Mod"})


async def patch(
    site: Site, room: str, body: Any, bearer: str = MODERATOR, key: str | None = None
) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": f'"{key}"'}
    return await site.api.send(f"/api/v1/rooms/{room}", body, bearer, headers, "PATCH")


async def test_what_is_set_is_read_and_told_in_the_room(
    site: Site, room: str, enter: Enter
) -> None:
    ben = await enter("ben")
    path = f"/api/v1/rooms/{room}"
    before = (await site.api.ask(path)).body
    assert before == {
        "roomId": room,
        "epoch": before["epoch"],
        "headSeq": 0,
        "memberCount": 1,
        "room": {},
    }
    answer = await patch(site, room, {"title": "Lobby", "readOnly": True})
    assert (answer.status, answer.body["type"], answer.body["seq"]) == (200, "ack", 1)
    event = await ben.wait_for("room_changed")
    assert (event["userId"], event["user"]) == ("mod", {"name": "Mod"})
    about = {"title": "Lobby", "readOnly": True}
    assert event["room"] == about
    after = (await site.api.ask(path)).body
    assert (after["headSeq"], after["room"]) == (1, about)
    same = await patch(site, room, {"title": "Lobby"})
    assert (same.status, same.body) == (200, {"type": "ack", "roomId": room, "duplicate": True})
    await patch(site, room, {"title": None, "readOnly": None})
    assert (await site.api.ask(path)).body["room"] == {}


async def test_a_key_with_the_scope_sets_it_in_its_own_name_and_others_may_not(
    site: Site, room: str, enter: Enter
) -> None:
    ben = await enter("ben")
    key = site.keys.all
    assert (await patch(site, room, {"topic": "x"}, key)).status == 200
    assert (await ben.wait_for("room_changed"))["userId"].startswith(PREFIX)
    path = f"/api/v1/rooms/{room}"
    assert (await site.api.read(path, key)).body["room"] == {"topic": "x"}
    assert (await patch(site, room, {"topic": "y"}, token("ben"))).code == "forbidden"
    assert (await site.api.ask(path, None)).code == "not_authenticated"
    assert (await site.api.ask(path, rooms={"other": ["join"]})).code == "forbidden"


async def test_what_was_to_be_set_is_in_the_trail_and_what_changed_nothing_is_not(
    site: Site, room: str
) -> None:
    await patch(site, room, {"historySize": 1, "title": None})
    await patch(site, room, {"historySize": 1})
    entries = (await site.api.read("/api/v1/audit?limit=50", MODERATOR)).body["entries"]
    [entry] = [entry for entry in entries if entry.get("roomId") == room]
    assert (entry["act"], entry["by"], "userId" in entry) == ("change_room", "mod", False)
    assert entry["room"] == {"historySize": 1, "title": None}


async def test_a_retry_with_the_same_key_is_answered_with_the_first_place(
    site: Site, room: str
) -> None:
    answers = [await patch(site, room, {"title": "A"}, key="once") for _ in range(2)]
    assert [answer.body["seq"] for answer in answers] == [1, 1]
    assert [answer.body.get("duplicate", False) for answer in answers] == [False, True]
    assert answers[0].body["clientMessageId"] == "once"


async def test_rules_hold_for_what_is_published_and_read_over_http(site: Site, room: str) -> None:
    first = (await site.api.publish(room, "1")).body
    await patch(site, room, {"slowModeMs": 60_000})
    assert (await site.api.publish(room, "2")).status == 201
    slow = await site.api.publish(room, "3")
    assert (slow.status, slow.code) == (429, "slow_mode")
    await patch(site, room, {"readOnly": True, "historySize": 2})
    refused = await site.api.publish(room, "4", "ben")
    assert (refused.status, refused.code) == (403, "read_only")
    path = f"/api/v1/rooms/{room}/messages"
    assert (await site.api.send(path, {"content": "5"}, MODERATOR)).status == 201
    page = (await site.api.ask(f"/api/v1/rooms/{room}/history")).body
    assert [message["content"] for message in page["messages"]] == ["5"]
    async with await site.api.stream(room, last_id=f"{first['epoch']}:1") as stream:
        opened = (await stream.next()).json
        assert (opened["type"], opened["recovered"]) == ("stream_opened", False)
        about = {"slowModeMs": 60_000, "historySize": 2, "readOnly": True}
        assert opened["room"] == about
        gap, changed, message = [(await stream.next()).json for _ in range(3)]
        assert (gap["type"], gap["fromSeq"], gap["toSeq"]) == ("gap", 2, 3)
        assert (changed["type"], changed["room"]) == ("room_changed", about)
        assert message["content"] == "5"


async def test_what_is_not_within_bounds_is_refused(site: Site, room: str) -> None:
    bodies: tuple[Any, ...] = (
        {"title": "x" * 101},
        {"historySize": 0},
        {"slowModeMs": "soon"},
        [],
        {"large": 1},
    )
    for body in bodies:
        answer = await patch(site, room, body)
        assert (answer.status, answer.code) == (400, "invalid_message"), body
    assert (await patch(site, "no%20room", {"title": "x"})).code == "invalid_room"
