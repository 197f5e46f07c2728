"""Who may edit, delete and react, for how long and how much."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.changing import changed, history, place
from tests.integration.conftest import Connect
from tests.integration.talk import said
from tests.support.client import Event
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_only_its_author_edits_and_only_a_moderator_deletes_for_others(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    mod = await connect(pair[1], "mod", room, rooms={"*": ["join", "moderate"]})
    (message,) = await said(ann, room, ["mine"])
    target = {"roomId": room, **place(message)}
    assert (await ben.command("edit_message", content="x", **target))["code"] == "not_author"
    assert (await ben.command("delete_message", **target))["code"] == "not_author"
    assert (await mod.command("edit_message", content="x", **target))["code"] == "forbidden"
    assert (await mod.command("add_reaction", reaction="x", **target))["code"] == "forbidden"
    await changed(mod, "delete_message", room, message)
    (tombstone,) = (await history(ann, room))["messages"]
    assert (tombstone["userId"], tombstone["deletedBy"]) == ("ann", "mod")
    for command in ("edit_message", "delete_message", "add_reaction"):
        answer = await ann.command(command, content="x", reaction="x", **target)
        assert answer["code"] == "message_gone"


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("edit_message", "edit"),
        ("delete_message", "delete"),
        ("add_reaction", "react"),
        ("remove_reaction", "react"),
    ],
)
async def test_each_act_needs_its_own_capability(
    pair: Cluster, connect: Connect, room: str, command: str, right: str
) -> None:
    rights = [name for name in ("join", "publish", "edit", "delete", "react") if name != right]
    ann = await connect(pair[0], "ann", room, rooms={"*": rights})
    (message,) = await said(ann, room, ["mine"])
    fields: dict[str, Any] = {"content": "x", "reaction": "x"}
    answer = await ann.command(command, roomId=room, **place(message), **fields)
    assert answer["code"] == "forbidden"
    assert right in answer["message"]


async def test_a_place_that_holds_something_else_is_no_message(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    one, two = await said(ann, room, ["1", "2"])
    event = await changed(ann, "add_reaction", room, one, reaction="+")
    for seq, message_id in (
        (one["seq"], two["messageId"]),
        (event["seq"], one["messageId"]),
        (0, one["messageId"]),
        (99, one["messageId"]),
    ):
        answer = await ann.command(
            "add_reaction", roomId=room, seq=seq, messageId=message_id, reaction="-"
        )
        assert answer["code"] == "message_gone", (seq, message_id)


@pytest.mark.parametrize(
    "reaction",
    [
        "👍",
        "👩‍💻",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "❤️",
        "+1",
        "__proto__",
        "so true",
        "x" * 32,
        '","content":"',
        "\U0001faf1",
        "\U0001fae8",
        "1\ufe0f\u20e3",
    ],
)
async def test_a_reaction_is_any_short_printable_text(
    pair: Cluster, connect: Connect, room: str, reaction: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    await changed(ann, "add_reaction", room, message, reaction=reaction)
    (stored,) = (await history(ann, room))["messages"]
    assert stored["reactions"] == {reaction: ["ann"]}


@pytest.mark.parametrize(
    "reaction", ["", " ", " x", "x\n", "\u202ex", "\u200d", "\ufe0f", "\x00", "x" * 33, 5, None]
)
async def test_what_shows_nothing_or_too_much_is_no_reaction(
    pair: Cluster, connect: Connect, room: str, reaction: Any
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    for command in ("add_reaction", "remove_reaction"):
        answer = await ann.command(command, roomId=room, **place(message), reaction=reaction)
        assert answer["code"] == "invalid_message"


@pytest.mark.parametrize(
    "fields",
    [
        {"mentions": [f"u{number}" for number in range(21)]},
        {"mentions": [""]},
        {"mentions": "ann"},
        {"replyTo": {"seq": 1}},
        {"replyTo": {"seq": -1, "messageId": "m"}},
        {"threadId": ""},
        {"threadId": "m" * 65},
    ],
)
async def test_what_is_no_reply_and_no_mention_is_refused(
    pair: Cluster, connect: Connect, room: str, fields: dict[str, Any]
) -> None:
    ann = await connect(pair[0], "ann", room)
    answer = await ann.command("chat_message", roomId=room, content="x", **fields)
    assert answer["code"] == "invalid_message"


async def test_windows_end_and_moderators_have_none(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, edit_window=0.3, delete_window=0.3, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    mod = await connect(workers[0], "ann", room, rooms={"*": ["join", "moderate"]})

    async def edited_in_time() -> Event | None:
        (message,) = await said(ann, room, ["1"])
        target = {"roomId": room, **place(message)}
        answer = await ann.command("edit_message", content="in time", **target)
        return message if answer["type"] == "ack" else None  # this machine is slow now and then

    message = await until(edited_in_time)
    await asyncio.sleep(0.4)
    target = {"roomId": room, **place(message)}
    assert (await ann.command("edit_message", content="x", **target))["code"] == "too_late"
    assert (await ann.command("delete_message", **target))["code"] == "too_late"
    await changed(ann, "add_reaction", room, message, reaction="+")
    await changed(mod, "delete_message", room, message)


async def test_reactions_have_bounds(cluster: StartCluster, connect: Connect, room: str) -> None:
    limits = {"max_reactions": 2, "max_reaction_users": 2}
    workers = await cluster(1, **limits, **NO_LIMITS)
    clients = [await connect(workers[0], name, room) for name in ("ann", "ben", "cem")]
    ann, ben, cem = clients
    (message,) = await said(ann, room, ["1"])
    for client in (ann, ben):
        await changed(client, "add_reaction", room, message, reaction="a")
    await changed(ann, "add_reaction", room, message, reaction="b")
    target = {"roomId": room, **place(message)}
    for reaction in ("a", "c"):
        answer = await cem.command("add_reaction", reaction=reaction, **target)
        assert answer["code"] == "too_many_reactions"
    await changed(ben, "remove_reaction", room, message, reaction="a")
    await changed(cem, "add_reaction", room, message, reaction="a")


async def test_a_message_and_its_reactions_stay_small_enough_for_everyone(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, max_message_bytes=500, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    (message,) = await said(ann, room, ["x" * 300])
    answers = []
    for number in range(20):
        client = await connect(workers[0], f"user-{number}-{'y' * 100}", room)
        answers.append(
            await client.command("add_reaction", roomId=room, reaction="+", **place(message))
        )
        await client.close()
    codes = [answer.get("code") for answer in answers]
    assert codes[:3] == [None] * 3
    assert codes[-1] == "too_many_reactions"


async def test_slow_mode_does_not_hold_up_changes(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, slow_mode="*=60", **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    assert (await ann.say(room, "2"))["code"] == "slow_mode"
    await changed(ann, "edit_message", room, message, content="1b")
    await changed(ann, "delete_message", room, message)


async def test_content_of_an_edit_has_the_limits_of_a_message(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    target = {"roomId": room, **place(message)}
    for fields, code in (
        ({"content": ""}, "invalid_message"),
        ({"content": "x" * 8193}, "content_too_long"),
        ({"content": "x", "mentions": [str(number) for number in range(21)]}, "invalid_message"),
    ):
        assert (await ann.command("edit_message", **target, **fields))["code"] == code


async def test_who_is_not_in_the_room_changes_nothing(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    outside = await connect(pair[0], "ann")
    answer = await outside.command("delete_message", roomId=room, **place(message))
    assert answer["code"] == "not_joined"
