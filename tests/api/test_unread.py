"""Unread counts over HTTP: the same as over a WebSocket."""

import uuid
from collections.abc import Awaitable, Callable

from tests.api.conftest import Site
from tests.support.client import ChatClient
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]


async def marked(site: Site, enter: Enter, room: str) -> tuple[str, ChatClient]:
    """Let a new user read one of three messages, so that Redis knows of it."""
    user = f"ann-{uuid.uuid4().hex[:6]}"
    ann = await enter(user)
    for number in range(3):
        assert (await ann.say(room, str(number)))["type"] == "ack"
    assert (await ann.command("mark_read", roomId=room, seq=1))["type"] == "ack"

    async def is_written() -> bool:  # a worker answers before that
        answer = await site.api.ask(f"/api/v1/unread?roomIds={room}", user)
        return bool(answer.body["rooms"][0]["unread"] == 2)

    await until(is_written)
    return user, ann


async def test_a_user_gets_what_a_member_gets(site: Site, enter: Enter, room: str) -> None:
    user, ann = await marked(site, enter, room)
    rooms = [room, f"{room}-empty"]
    there = await ann.command("unread", roomIds=rooms)
    del there["id"]
    answer = await site.api.ask(f"/api/v1/unread?roomIds={','.join(rooms)}", user)
    assert (answer.status, answer.body) == (200, there)
    assert [entry["unread"] for entry in answer.body["rooms"]] == [2, 0]


async def test_a_back_end_asks_for_any_user(site: Site, enter: Enter, room: str) -> None:
    user, _ = await marked(site, enter, room)
    key = site.keys.all
    answer = await site.api.read(f"/api/v1/unread?roomIds={room}&userId={user}", key)
    assert [entry["unread"] for entry in answer.body["rooms"]] == [2]
    answer = await site.api.read(f"/api/v1/unread?roomIds={room}", key)
    assert (answer.status, answer.code) == (400, "invalid_message")


async def test_a_user_asks_for_oneself_only(site: Site, room: str) -> None:
    answer = await site.api.ask(f"/api/v1/unread?roomIds={room}&userId=ben", "ann")
    assert (answer.status, answer.code) == (403, "forbidden")
    answer = await site.api.ask(f"/api/v1/unread?roomIds={room}", "ann", rooms={"x": ["join"]})
    assert (answer.status, answer.code) == (403, "forbidden")
    for query in ("", f"roomIds={','.join([room] * 101)}"):
        answer = await site.api.ask(f"/api/v1/unread?{query}", "ann")
        assert (answer.status, answer.code) == (400, "invalid_message")
