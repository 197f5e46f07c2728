"""Reading stored messages over HTTP: the same pages as over a WebSocket."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.conftest import Site
from tests.support.client import ChatClient

Enter = Callable[..., Awaitable[ChatClient]]


async def said(enter: Enter, room: str, count: int) -> ChatClient:
    ann = await enter("ann", user={"name": "Ann"})
    for number in range(1, count + 1):
        assert (await ann.say(room, f"message {number}", f"c-{number}"))["type"] == "ack"
    return ann


@pytest.mark.parametrize(
    "query", [{}, {"limit": 2}, {"before": 3}, {"after": 2, "limit": 2}, {"after": 5}]
)
async def test_a_page_is_the_one_that_a_member_gets(
    site: Site, enter: Enter, room: str, query: dict[str, int]
) -> None:
    ann = await said(enter, room, 5)
    page = await ann.command("history", roomId=room, **query)
    del page["id"]
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await site.api.ask(f"/api/v1/rooms/{room}/history?{text}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == page


async def test_reading_backwards_finds_every_message_once(
    site: Site, enter: Enter, room: str
) -> None:
    await said(enter, room, 7)
    path = f"/api/v1/rooms/{room}/history?limit=3"
    page = (await site.api.ask(path)).body
    seqs = [message["seq"] for message in page["messages"]]
    while page["more"]:
        first = page["messages"][0]
        position = f"&before={first['seq']}&epoch={first['epoch']}"
        page = (await site.api.ask(path + position)).body
        seqs = [message["seq"] for message in page["messages"]] + seqs
    assert seqs == [1, 2, 3, 4, 5, 6, 7]


async def test_a_position_of_another_epoch_is_refused(site: Site, enter: Enter, room: str) -> None:
    await said(enter, room, 1)
    answer = await site.api.ask(f"/api/v1/rooms/{room}/history?after=0&epoch=beef")
    assert (answer.status, answer.code) == (409, "epoch_changed")


async def test_a_room_nobody_has_written_to_has_an_empty_page(site: Site, room: str) -> None:
    answer = await site.api.ask(f"/api/v1/rooms/{room}/history")
    assert (answer.body["headSeq"], answer.body["messages"], answer.body["more"]) == (0, [], False)
    assert answer.body["epoch"]


async def test_a_page_that_would_be_too_large_is_cut_and_says_more(
    site: Site, enter: Enter, room: str
) -> None:
    ann = await enter("ann")
    for _ in range(70):  # of 8 KB each; an answer takes half a megabyte
        assert (await ann.say(room, "x" * 8192))["type"] == "ack"
    page = (await site.api.ask(f"/api/v1/rooms/{room}/history?after=0&limit=1000")).body
    assert 0 < len(page["messages"]) < 70
    assert page["more"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "limit=",
        "limit=1.5",
        "limit=5&limit=5",
        "before=-1",
        "before=1&after=1",
        f"after={2**53}",
        "epoch=",
        "epoch=" + "e" * 33,
        "epoch=%ff",
        "&".join(f"f{number}=1" for number in range(33)),
    ],
)
async def test_a_query_that_is_wrong_is_refused_with_a_sentence(
    site: Site, room: str, query: str
) -> None:
    answer = await site.api.ask(f"/api/v1/rooms/{room}/history?{query}")
    assert (answer.status, answer.code) == (400, "invalid_message")
    assert answer.body["detail"]


async def test_parameters_of_a_newer_client_are_ignored(site: Site, room: str) -> None:
    answer = await site.api.ask(f"/api/v1/rooms/{room}/history?colour=red&id=7&roomId=x&type=y")
    assert answer.status == 200
    assert answer.body["roomId"] == room
    assert "id" not in answer.body


@pytest.mark.parametrize("room_id", ["a%20b", "r%C3%A4ume", "x" * 129, "a%0Ab", "a%00"])
async def test_what_is_not_a_room_id_is_refused(site: Site, room_id: str) -> None:
    answer = await site.api.ask(f"/api/v1/rooms/{room_id}/history")
    assert (answer.status, answer.code) == (400, "invalid_room")


async def test_every_character_of_a_room_id_is_understood(site: Site) -> None:
    answer = await site.api.ask("/api/v1/rooms/A-z_0.:@+=~/history")
    assert answer.body["roomId"] == "A-z_0.:@+=~"
    answer = await site.api.ask("/api/v1/rooms/A-z_0.%3A%40%2B%3D~/history")
    assert answer.body["roomId"] == "A-z_0.:@+=~"


async def test_a_page_has_what_became_of_its_messages_and_may_be_of_one_thread(
    site: Site, enter: Enter, room: str
) -> None:
    ann = await said(enter, room, 2)
    root, other = (await ann.command("history", roomId=room))["messages"]
    place = {name: root[name] for name in ("seq", "messageId")}
    await ann.command("edit_message", roomId=room, content="edited", **place)
    await ann.command("add_reaction", roomId=room, reaction="+1", **place)
    await ann.command("delete_message", roomId=room, seq=2, messageId=other["messageId"])
    reply = {"content": "a reply", "replyTo": place, "threadId": root["messageId"]}
    await ann.command("chat_message", roomId=room, **reply)
    path = f"/api/v1/rooms/{room}/history?"
    page = (await site.api.ask(path)).body
    assert [message["content"] for message in page["messages"]] == ["edited", "", "a reply"]
    assert page["messages"][0]["reactions"] == {"+1": ["ann"]}
    assert page["messages"][1]["deletedBy"] == "ann"
    assert (page["fromSeq"], page["toSeq"], page["headSeq"]) == (1, 6, 6)
    thread = (await site.api.ask(f"{path}threadId={root['messageId']}")).body
    assert [message["content"] for message in thread["messages"]] == ["edited", "a reply"]
