"""Private and direct rooms over HTTP: nobody outside a roster reads or writes, in whatever way."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.conversations.kinds import direct_between, inbox_of
from chat.identity.apikeys import Scope
from tests.api.conftest import Site
from tests.api.site import Answer
from tests.support import http
from tests.support.client import ChatClient
from tests.support.sse import EventStream
from tests.support.tokens import token
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]
PERSON = {"*": ("join", "publish", "edit", "delete", "react", "create")}


async def ask(site: Site, method: str, path: str, bearer: str, body: Any = None) -> Answer:
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    sent = b"" if body is None else json.dumps(body).encode()
    found = await http.request(method, site.api.port, path, headers=headers, body=sent)
    return Answer(found.status, found.headers, json.loads(found.body))


def of(user: str) -> str:
    return token(user, rooms=PERSON)


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
async def party(site: Site, tag: str) -> str:
    """A private room of ann and ben."""
    made = await ask(site, "POST", "/api/v1/rooms", of(f"ann-{tag}"), {"userIds": [f"ben-{tag}"]})
    assert (made.status, made.body["role"]) == (201, "owner")
    room: str = made.body["roomId"]
    path = f"/api/v1/rooms/{room}/participants/ben-{tag}"
    accepted = await ask(site, "PUT", path, of(f"ben-{tag}"), {})
    assert accepted.body.get("seq") == 3, accepted
    return room


async def test_who_is_outside_gets_403_everywhere_whatever_the_token_allows(
    site: Site, party: str, tag: str
) -> None:
    eve = token(f"eve-{tag}", rooms={"*": (*PERSON["*"], "moderate")})
    for room in (party, f"private:none-{tag}", inbox_of(f"ann-{tag}")):
        base = f"/api/v1/rooms/{room}"
        about = {"userId": f"ann-{tag}"}
        for method, path, body in (
            ("GET", "/history", None),
            ("GET", "/presence", None),
            ("GET", "/participants", None),
            ("GET", "/sanctions", None),
            ("GET", "/events", None),
            ("POST", "/messages", {"content": "x"}),
            ("PATCH", "/messages/m?seq=1", {"content": "x"}),
            ("DELETE", "/messages/m?seq=1", None),
            ("PUT", "/messages/m/reactions/x?seq=1", None),
            ("GET", "", None),
            ("PATCH", "", {"title": "x"}),
            ("POST", "/kick", about),
            ("POST", "/ban", about),
            ("POST", "/mute", about),
            ("PUT", f"/participants/eve-{tag}", {}),
            ("PUT", f"/participants/eve-{tag}", {"role": "owner"}),
            ("PUT", f"/participants/ann-{tag}", {"role": "member"}),
            ("DELETE", f"/participants/ann-{tag}", None),
            ("DELETE", f"/participants/eve-{tag}", None),
        ):
            answer = await ask(site, method, base + path, eve, body)
            assert (answer.status, answer.code) == (403, "forbidden"), (method, path)
    assert (await ask(site, "GET", f"/api/v1/users/ann-{tag}/rooms", eve)).status == 403
    counts = await ask(site, "GET", f"/api/v1/unread?roomIds={party}", eve)
    assert counts.body["rooms"] == []


async def test_who_is_in_the_roster_reads_and_publishes(site: Site, party: str, tag: str) -> None:
    ben = of(f"ben-{tag}")
    published = await ask(site, "POST", f"/api/v1/rooms/{party}/messages", ben, {"content": "hi"})
    assert published.status == 201
    history = await ask(site, "GET", f"/api/v1/rooms/{party}/history", ben)
    assert [message["content"] for message in history.body["messages"]] == ["hi"]
    roster = await ask(site, "GET", f"/api/v1/rooms/{party}/participants", ben)
    assert {one["userId"]: one["role"] for one in roster.body["participants"]} == {
        f"ann-{tag}": "owner",
        f"ben-{tag}": "member",
    }
    rooms = await ask(site, "GET", f"/api/v1/users/ben-{tag}/rooms", ben)
    assert rooms.body["rooms"] == [{"roomId": party, "role": "member"}]
    unread = await ask(site, "GET", f"/api/v1/unread?roomIds={party}", ben)
    assert unread.body["rooms"][0]["headSeq"] == 4
    inbox = inbox_of(f"ben-{tag}")
    assert (await ask(site, "GET", f"/api/v1/rooms/{inbox}/history", ben)).status == 200
    sent = await ask(site, "POST", f"/api/v1/rooms/{inbox}/messages", ben, {"content": "x"})
    assert sent.status == 403


async def test_an_api_key_changes_rosters_and_publishes_only_for_participants(
    site: Site, party: str, tag: str
) -> None:
    key = site.keys.all
    seat = f"/api/v1/rooms/{party}/participants/cleo-{tag}"
    messages = f"/api/v1/rooms/{party}/messages"
    body = {"content": "x", "userId": f"cleo-{tag}"}
    assert (await ask(site, "POST", messages, key, body)).code == "forbidden"
    assert (await ask(site, "PUT", seat, key, {"role": "moderator"})).status == 200
    assert (await ask(site, "PUT", seat, key, {"role": "moderator"})).body["duplicate"] is True
    assert (await ask(site, "POST", messages, key, body)).status == 201
    rooms = await ask(site, "GET", f"/api/v1/users/cleo-{tag}/rooms", key)
    assert rooms.body["rooms"] == [{"roomId": party, "role": "moderator"}]
    assert (await ask(site, "DELETE", seat, key)).status == 200
    assert (await ask(site, "POST", messages, key, body)).code == "forbidden"
    assert (await ask(site, "PATCH", f"/api/v1/rooms/{party}", key, {"title": "P"})).status == 200
    owner = f"/api/v1/rooms/{party}/participants/ann-{tag}"
    assert (await ask(site, "DELETE", owner, key)).code == "last_owner"
    for path in ("history", "participants", "presence"):
        assert (await ask(site, "GET", f"/api/v1/rooms/{party}/{path}", key)).status == 200
    publisher = site.keys.make(Scope.PUBLISH, Scope.READ)
    news = site.keys.make(Scope.READ, Scope.MODERATE, rooms=("news-*",))

    async def are_known() -> bool:
        answers = [await ask(site, "GET", "/api/v1/audit", one) for one in (publisher, news)]
        return all(answer.status != 401 for answer in answers)

    await until(are_known)
    assert (await ask(site, "PUT", seat, publisher, {})).code == "forbidden"
    assert (await ask(site, "PUT", seat, news, {})).code == "forbidden"
    assert (await ask(site, "GET", f"/api/v1/users/ann-{tag}/rooms", news)).code == "forbidden"
    audit = await ask(site, "GET", "/api/v1/audit?limit=10", key)
    acts = [
        (entry["act"], entry["userId"], entry.get("role"))
        for entry in audit.body["entries"]
        if entry.get("roomId") == party and "userId" in entry
    ]
    assert acts[:2] == [
        ("remove_participant", f"cleo-{tag}", None),
        ("set_role", f"cleo-{tag}", "moderator"),
    ]


async def test_messages_are_changed_by_who_has_a_seat_and_by_a_back_end_that_moderates(
    site: Site, party: str, tag: str
) -> None:
    ben = of(f"ben-{tag}")
    said = await ask(site, "POST", f"/api/v1/rooms/{party}/messages", ben, {"content": "hi"})
    place = f"/api/v1/rooms/{party}/messages/{said.body['messageId']}"
    seq = f"?seq={said.body['seq']}"
    assert (await ask(site, "PATCH", place + seq, ben, {"content": "ho"})).status == 200
    assert (await ask(site, "PUT", f"{place}/reactions/x{seq}", of(f"ann-{tag}"))).status == 200
    assert (await ask(site, "DELETE", place + seq, site.keys.all)).status == 200
    again = await ask(site, "POST", f"/api/v1/rooms/{party}/messages", ben, {"content": "hi"})
    place = f"/api/v1/rooms/{party}/messages/{again.body['messageId']}?seq={again.body['seq']}"
    assert (await ask(site, "DELETE", place, of(f"ann-{tag}"))).status == 200  # owns the room


async def test_a_stream_ends_when_its_user_is_removed(site: Site, party: str, tag: str) -> None:
    path = f"/api/v1/rooms/{party}/events"
    async with await EventStream.open(site.api.port, path, of(f"ben-{tag}")) as stream:
        await stream.wait_for("stream_opened")
        seat = f"/api/v1/rooms/{party}/participants/ben-{tag}"
        assert (await ask(site, "DELETE", seat, of(f"ann-{tag}"))).status == 200
        changed = await stream.wait_for("participant_changed")
        assert changed.json["participant"] == {"userId": f"ben-{tag}", "role": None}
        assert (await stream.wait_for("stream_closed")).json["reason"] == "removed"
        await ask(
            site,
            "POST",
            f"/api/v1/rooms/{party}/messages",
            of(f"ann-{tag}"),
            {"content": "without ben"},
        )
        assert await stream.rest() == []
    assert (await ask(site, "GET", path, of(f"ben-{tag}"))).code == "forbidden"


async def test_roles_count_over_http_as_on_a_websocket(site: Site, party: str, tag: str) -> None:
    ann, ben = of(f"ann-{tag}"), of(f"ben-{tag}")
    seat = f"/api/v1/rooms/{party}/participants"
    assert (await ask(site, "PUT", f"{seat}/cleo-{tag}", ben, {})).code == "forbidden"
    changed = await ask(site, "PUT", f"{seat}/ben-{tag}", ann, {"role": "moderator"})
    assert changed.status == 200
    assert (await ask(site, "PUT", f"{seat}/cleo-{tag}", ben, {})).status == 200
    kick = f"/api/v1/rooms/{party}/kick"
    assert (await ask(site, "POST", kick, ben, {"userId": f"ann-{tag}"})).code == "forbidden"
    assert (await ask(site, "POST", kick, ben, {"userId": f"cleo-{tag}"})).status == 200
    assert (await ask(site, "GET", f"/api/v1/rooms/{party}/sanctions", ben)).status == 200
    assert (await ask(site, "DELETE", f"{seat}/ann-{tag}", ann)).code == "last_owner"


async def test_a_direct_room_is_opened_once(site: Site, tag: str) -> None:
    users = [f"ann-{tag}", f"ben-{tag}"]
    body = {"direct": True, "userIds": users}
    answers = await asyncio.gather(
        ask(site, "POST", "/api/v1/rooms", of(users[0]), body),
        ask(site, "POST", "/api/v1/rooms", site.keys.all, body),
    )
    assert {answer.body["roomId"] for answer in answers} == {direct_between(users)}
    assert sorted(answer.status for answer in answers) == [200, 201]
    rooms = await ask(site, "GET", f"/api/v1/users/{users[1]}/rooms", of(users[1]))
    assert rooms.body["rooms"] == [
        {"roomId": direct_between(users), "role": "member", "userIds": users}
    ]


async def test_a_room_needs_a_right_to_create_it(site: Site, tag: str) -> None:
    path = "/api/v1/rooms"
    allowed = token(f"ann-{tag}", rooms={"private:mine-*": ("create",)})
    answer = await ask(site, "POST", path, allowed, {"roomId": "private:other"})
    assert answer.code == "forbidden"
    room = f"private:mine-{tag}"
    assert (await ask(site, "POST", path, allowed, {"roomId": room})).status == 201
    again = await ask(site, "POST", path, allowed, {"roomId": room})
    assert (again.status, again.code) == (409, "room_exists")
    assert (await ask(site, "POST", path, allowed, {"roomId": "lobby"})).code == "invalid_room"
    assert (await ask(site, "POST", path, site.keys.all, {})).code == "invalid_message"
    made = await ask(site, "POST", path, site.keys.all, {"userId": f"dan-{tag}"})
    assert made.status == 201
