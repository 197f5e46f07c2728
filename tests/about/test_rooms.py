"""Titles, topics and rules of rooms, set on one worker and true on another."""

import asyncio
from typing import Any

import pytest

from tests.about.conftest import PREFIX, Connect, change, moderator
from tests.integration.changing import changed, place
from tests.integration.talk import contents, heard, members_become, of_type, said
from tests.support.client import ChatClient
from tests.support.cluster import Cluster
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

ABOUT = {"title": "Lobby", "topic": "Everything\nelse", "slowModeMs": 0, "historySize": 40}


def known(client: ChatClient) -> list[Any]:
    return [event["room"] for event in of_type(client, "room_changed")]


async def test_what_is_set_is_told_to_everyone_and_to_who_comes_later(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await moderator(connect, pair[0])  # who is not in the room
    ben = await connect(pair[1], "ben", room)
    ack = await change(mod, room, **ABOUT)
    event = await ben.wait_for("room_changed")
    assert (event["seq"], event["userId"], event["room"]) == (ack["seq"], "mod", ABOUT)
    await change(mod, room, topic=None, readOnly=True, large=False)
    later = {"title": "Lobby", "slowModeMs": 0, "historySize": 40, "readOnly": True}
    await until(lambda: known(ben) == [ABOUT, later], what="the second change")
    for worker in pair.workers:
        joined = await (await connect(worker, "cleo")).join(room)
        assert joined["room"] == later
    await change(mod, room, **dict.fromkeys([*later, "topic"]))
    await until(lambda: known(ben)[-1] == {}, what="nothing to be set")
    assert "room" not in await (await connect(pair[1], "dora")).join(room)


async def test_a_change_that_changes_nothing_is_not_stored_and_a_retry_is_told_the_first_place(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await moderator(connect, pair[0], room)
    first = await change(mod, room, title="A", clientMessageId="c-1")
    again = await change(mod, room, title="A", clientMessageId="c-1")
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    same = await change(mod, room, title="A", readOnly=None)
    assert (same["duplicate"], "seq" in same) == (True, False)
    await change(mod, room, title="B")
    await until(lambda: known(mod) == [{"title": "A"}, {"title": "B"}], what="two changes")


async def test_changes_at_the_same_time_are_all_made(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mods = [await moderator(connect, worker) for worker in (pair[0], pair[1])]
    names = ("title", "topic")
    await asyncio.gather(
        *(change(mod, room, **{name: name}) for mod, name in zip(mods, names, strict=True))
    )
    joined = await mods[0].join(room)
    assert joined["room"] == {"title": "title", "topic": "topic"}
    assert joined["seq"] == 2


async def test_only_who_may_moderate_sets_something_and_only_within_bounds(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ben = await connect(pair[0], "ben", room)
    refused = await ben.command("change_room", roomId=room, title="Mine")
    assert refused["code"] == "forbidden"
    mod = await moderator(connect, pair[0])
    for fields in (
        {"title": "x" * 101},
        {"title": "two\nlines"},
        {"title": "  "},
        {"title": ""},
        {"topic": "x" * 501},
        {"topic": "bell\x07"},
        {"slowModeMs": 86_400_001},
        {"slowModeMs": -1},
        {"historySize": 0},
        {"historySize": 5001},
        {"historyMs": 999},
        {"historyMs": 366 * 86_400_000},
        {"readOnly": 1},
    ):
        answer = await mod.command("change_room", roomId=room, **fields)
        assert answer.get("code") == "invalid_message", (fields, answer)
        assert "room" not in await mod.join(room)


async def test_in_a_read_only_room_moderators_write_and_others_react(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod, ben = await moderator(connect, pair[0], room), await connect(pair[1], "ben", room)
    (message,) = await said(ben, room, ["before"])
    await change(mod, room, readOnly=True)
    refused = await ben.say(room, "x")
    assert (refused["code"], refused["roomId"]) == ("read_only", room)
    edit = await ben.command("edit_message", roomId=room, content="y", **place(message))
    assert edit["code"] == "read_only"
    await changed(ben, "add_reaction", room, message, reaction="+")
    await said(mod, room, ["news"])
    await heard(ben, room, "news")
    await ben.wait_for("room_changed")
    assert (await ben.command("typing", roomId=room, isTyping=True))["type"] == "ack"
    assert (await mod.command("typing", roomId=room, isTyping=True))["type"] == "ack"
    assert (await ben.wait_for("typing"))["userId"] == "mod"
    assert not of_type(mod, "typing")
    await changed(ben, "delete_message", room, message)
    await change(mod, room, readOnly=False)
    await said(ben, room, ["after"])


async def test_the_room_s_slow_mode_comes_before_the_configured_one_and_spares_moderators(
    pair: Cluster, connect: Connect, room: str
) -> None:
    news = f"news-{room}"
    mod = await moderator(connect, pair[0], room)
    await mod.join(news)
    ben = await connect(pair[1], "ben", room)
    await ben.join(news)
    await change(mod, room, slowModeMs=30_000)
    await change(mod, news, slowModeMs=0)
    await said(ben, room, ["1"])
    refused = await ben.say(room, "2")
    assert refused["code"] == "slow_mode"
    assert 20_000 < refused["retryAfterMs"] <= 30_000
    await said(ben, news, ["1", "2"])
    await said(mod, room, ["1", "2"])
    await change(mod, news, slowModeMs=None)
    cleo = await connect(pair[1], "cleo", news)
    await said(cleo, news, ["1"])
    assert (await cleo.say(news, "2"))["code"] == "slow_mode"


async def test_who_resumes_is_told_what_was_set_in_its_place_and_what_is_gone(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await moderator(connect, pair[0], room)
    await said(mod, room, ["1"])
    since = (str((await mod.join(room))["epoch"]), 1)
    await said(mod, room, ["2"])
    await change(mod, room, title="A")
    await said(mod, room, ["3"])
    ben = await connect(pair[1], "ben")
    assert (await ben.join(room, since))["recovered"] is True
    await heard(ben, room, "3")
    placed = [
        (event["type"], event["seq"])
        for event in ben.received
        if event.get("seq") and "epoch" in event
    ]
    assert placed[-3:] == [("chat_message", 2), ("room_changed", 3), ("chat_message", 4)]
    await change(mod, room, historySize=2)
    await until(lambda: len(known(ben)) == 2, what="the worker to have heard it")
    cleo = await connect(pair[1], "cleo")
    joined = await cleo.join(room, since)
    assert (joined["recovered"], joined["seq"]) == (False, 5)
    gap = await cleo.wait_for("gap")
    assert (gap["reason"], gap["fromSeq"], gap["toSeq"]) == ("trimmed", 2, 3)
    page = await cleo.command("history", roomId=room)
    assert contents(page["messages"]) == ["3"]


async def test_what_has_grown_too_old_is_gone_everywhere_without_anybody_writing(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await moderator(connect, pair[0], room)
    (message,) = await said(mod, room, ["soon gone"])
    since = (message["epoch"], 0)
    await change(mod, room, historyMs=1000)
    reader = await connect(pair[1], "ben", room)

    async def is_empty() -> bool:
        page = await reader.command("history", roomId=room)
        return not page["messages"]

    await until(is_empty, what="the message to be over")
    answer = await mod.command("edit_message", roomId=room, content="x", **place(message))
    assert answer["code"] == "message_gone"
    cleo = await connect(pair[1], "cleo")
    joined = await cleo.join(room, since)
    assert (joined["recovered"], joined["seq"], joined["room"]) == (False, 2, {"historyMs": 1000})
    gap = await cleo.wait_for("gap")
    assert (gap["reason"], gap["fromSeq"]) == ("trimmed", 1)
    assert not cleo.messages(room)
    await said(mod, room, ["new"])
    await heard(cleo, room, "new")


async def test_a_large_room_is_told_numbers_and_no_names(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await moderator(connect, pair[0], room)
    await change(mod, room, large=True)
    await mod.wait_for("room_changed")
    ben = await connect(pair[1], "ben", room)
    await mod.wait_for(lambda event: event["type"] == "member_count" and event["memberCount"] == 2)
    assert (await ben.command("typing", roomId=room, isTyping=True))["type"] == "ack"
    await ben.command("leave_room", roomId=room)
    await mod.wait_for(lambda event: event.get("memberCount") == 1 and event["type"] != "presence")
    assert not [kind for kind in ("user_joined", "user_left", "typing") if of_type(mod, kind)]
    await change(mod, room, large=None)
    await ben.join(room)
    assert (await mod.wait_for("user_joined"))["userId"] == "ben"
    await members_become(mod, room, {"mod", "ben"})


async def test_a_worker_that_has_missed_a_change_finds_it_by_a_look_at_the_room(
    pair: Cluster, connect: Connect, room: str, redis_server: RedisServer
) -> None:
    ben = await connect(pair[1], "ben", room)
    mod = await moderator(connect, pair[0])
    await change(mod, room, title="A", historySize=1)
    await ben.wait_for("room_changed")
    redis_server.run(
        "HSET", f"{PREFIX}:{{{room}}}:stream", "m", '{"title":"B"}'
    )  # and nobody was told

    async def is_known() -> bool:
        joined = await ben.join(room)
        return bool(joined["room"] == {"title": "B"})

    await until(is_known, what="the title to be seen", interval_s=0.1)


@pytest.mark.parametrize("kind", ["ban_user", "mute_user"])
async def test_who_is_banned_or_muted_sets_nothing(
    pair: Cluster, connect: Connect, room: str, kind: str
) -> None:
    mod = await moderator(connect, pair[0])
    other = await connect(pair[1], "other", rooms={"*": ["join", "moderate"]})
    assert (await mod.command(kind, roomId=room, userId="other"))["type"] == "ack"
    answer = await other.command("change_room", roomId=room, title="Mine")
    assert answer["code"] == {"ban_user": "banned", "mute_user": "muted"}[kind]
