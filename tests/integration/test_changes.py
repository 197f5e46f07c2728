"""Edits, deletions, reactions, replies and mentions: in the room's order, for all, for good."""

import asyncio
import json

import pytest

from tests.integration.changing import changed, folded, heard_up_to, history, place, placed
from tests.integration.conftest import Connect
from tests.integration.talk import of_type, said
from tests.support.cluster import Cluster
from tests.support.redis_server import RedisServer


async def test_an_edit_has_a_place_of_its_own_and_history_has_the_new_content(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room, user={"name": "Ann"})
    ben = await connect(pair[1], "ben", room)
    first, _ = await said(ann, room, ["helo", "next"])
    ack = await changed(
        ann, "edit_message", room, first, content="hello", mentions=["ben", "ben"],
        clientMessageId="e-1",
    )  # fmt: skip
    assert (ack["seq"], ack["messageId"]) == (3, first["messageId"])
    event = await ben.wait_for("message_edited")
    assert event == {
        "type": "message_edited",
        "roomId": room,
        "epoch": first["epoch"],
        "seq": 3,
        "timestamp": ack["timestamp"],
        "userId": "ann",
        "user": {"name": "Ann"},
        "clientMessageId": "e-1",
        "messageSeq": 1,
        "messageId": first["messageId"],
        "content": "hello",
        "mentions": ["ben"],
    }
    page = await history(ben, room)
    assert [message["content"] for message in page["messages"]] == ["hello", "next"]
    edited = page["messages"][0]
    assert (edited["seq"], edited["timestamp"]) == (1, first["timestamp"])
    assert (edited["editedAt"], edited["editedSeq"]) == (ack["timestamp"], 3)
    assert (edited["version"], edited["mentions"]) == (3, ["ben"])
    assert page["messages"] == folded(ben, room)


async def test_a_deletion_takes_every_word_out_of_redis(
    pair: Cluster, connect: Connect, room: str, redis_server: RedisServer
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    (message,) = await said(ann, room, ["a secret"])
    await changed(ann, "edit_message", room, message, content="another secret")
    await changed(ann, "edit_message", room, message, content="the last secret")
    await changed(ben, "add_reaction", room, message, reaction="👍")
    ack = await changed(ann, "delete_message", room, message)
    assert (await ben.wait_for("message_deleted"))["messageId"] == message["messageId"]
    (tombstone,) = (await history(ben, room))["messages"]
    assert tombstone["content"] == ""
    assert (tombstone["deleted"], tombstone["deletedBy"]) == (True, "ann")
    assert "reactions" not in tombstone
    assert folded(ben, room) == [tombstone]
    with redis_server.connect() as client:
        (key,) = client.keys(f"*{{{room}}}:history")
        assert "secret" not in str(client.lrange(key, 0, -1))
    # Who comes back later gets every place, and no word either.
    cem = await connect(pair[1], "cem")
    await cem.join(room, since=(ack["epoch"], 0))
    await heard_up_to(cem, room, ack["seq"])
    assert [event["seq"] for event in placed(cem, room)] == [1, 2, 3, 4, 5]
    assert "secret" not in json.dumps(cem.received)
    assert folded(cem, room) == [tombstone]


async def test_reactions_count_once_per_user_and_what_changes_nothing_is_not_stored(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    (message,) = await said(ann, room, ["vote"])
    for client in (ann, ben):
        await changed(client, "add_reaction", room, message, reaction="👍")
    again = await changed(ben, "add_reaction", room, message, reaction="👍")
    assert again == {
        "type": "ack",
        "id": again["id"],
        "roomId": room,
        "messageId": message["messageId"],
        "duplicate": True,
    }
    nothing = await changed(ben, "remove_reaction", room, message, reaction="👎")
    assert nothing["duplicate"]
    assert "seq" not in nothing
    page = await history(ann, room)
    assert page["headSeq"] == 3
    assert page["messages"][0]["reactions"] == {"👍": ["ann", "ben"]}
    for client in (ben, ann):
        await changed(client, "remove_reaction", room, message, reaction="👍")
    assert "reactions" not in (await history(ann, room))["messages"][0]


async def test_all_at_once_react_to_one_message_and_none_is_lost(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["all together"])
    crowd = [await connect(pair[number % 2], f"u{number}", room) for number in range(20)]
    acks = await asyncio.gather(
        *(changed(client, "add_reaction", room, message, reaction="🎉") for client in crowd)
    )
    assert sorted(ack["seq"] for ack in acks) == list(range(2, 22))
    (stored,) = (await history(ann, room))["messages"]
    assert sorted(stored["reactions"]["🎉"]) == sorted(f"u{number}" for number in range(20))
    await heard_up_to(ann, room, 21)
    assert folded(ann, room) == [stored]


async def test_two_edits_in_a_row_are_stored_in_that_order(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["0"])
    for number in range(1, 10):
        await ann.send(
            type="edit_message", id=f"e{number}", roomId=room, content=str(number), **place(message)
        )
    await ann.send(type="chat_message", id="last", roomId=room, content="after")
    answer = await ann.wait_for(lambda event: event.get("id") == "last")
    assert answer["seq"] == 11
    await heard_up_to(ann, room, 11)
    assert [event["content"] for event in of_type(ann, "message_edited")] == list("123456789")
    assert (await history(ann, room))["messages"][0]["content"] == "9"


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("edit_message", {"content": "x"}),
        ("delete_message", {}),
        ("add_reaction", {"reaction": "+"}),
    ],
)
async def test_a_retry_is_stored_once_on_whichever_worker_it_lands(
    pair: Cluster, connect: Connect, room: str, command: str, fields: dict[str, str]
) -> None:
    ann = await connect(pair[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    name = {"clientMessageId": "once"}
    first = await changed(ann, command, room, message, **fields, **name)
    again = await changed(
        await connect(pair[1], "ann", room), command, room, message, **fields, **name
    )
    assert again["duplicate"]
    assert (again["seq"], again["timestamp"]) == (first["seq"], first["timestamp"])
    assert (await history(ann, room))["headSeq"] == 2


async def test_replies_threads_and_mentions_are_passed_on_as_they_were_said(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    (root,) = await said(ann, room, ["root"])
    fields = {
        "replyTo": place(root),
        "threadId": root["messageId"],
        "mentions": ["ann", "cem"],
    }
    reply = await ben.command("chat_message", roomId=room, content="reply", **fields)
    assert reply["type"] == "ack"
    await said(ann, room, ["elsewhere"])
    event = await ann.wait_for(lambda event: event.get("content") == "reply")
    assert {name: event[name] for name in fields} == fields
    thread = await history(ann, room, threadId=root["messageId"])
    assert [message["content"] for message in thread["messages"]] == ["root", "reply"]
    assert (thread["fromSeq"], thread["toSeq"], thread["more"]) == (1, 3, False)
    first = await history(ann, room, threadId=root["messageId"], after=0, limit=1)
    assert [message["content"] for message in first["messages"]] == ["root"]
    assert (first["fromSeq"], first["toSeq"], first["more"]) == (1, 1, True)


async def test_pages_say_what_they_cover_though_events_lie_between_the_messages(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    one, _ = await said(ann, room, ["1", "2"])  # 1, 2
    for reaction in "abcdef":  # 3 to 8
        await changed(ann, "add_reaction", room, one, reaction=reaction)
    await said(ann, room, ["9"])
    pages = [await history(ann, room, limit=2)]
    while pages[-1]["more"]:
        pages.append(await history(ann, room, before=pages[-1]["fromSeq"], limit=2))
    assert [(page["fromSeq"], page["toSeq"]) for page in pages] == [(2, 9), (1, 1)]
    backwards = [message["seq"] for page in reversed(pages) for message in page["messages"]]
    pages = [await history(ann, room, after=0, limit=2)]
    while pages[-1]["more"]:
        pages.append(await history(ann, room, after=pages[-1]["toSeq"], limit=2))
    assert [(page["fromSeq"], page["toSeq"]) for page in pages] == [(1, 2), (3, 9)]
    forwards = [message["seq"] for page in pages for message in page["messages"]]
    assert backwards == forwards == [1, 2, 9]


async def test_who_was_away_gets_every_event_in_order_and_ends_with_the_same_state(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    one, two = await said(ann, room, ["1", "2"])
    await heard_up_to(ben, room, 2)
    position = ben.position(room)
    await ben.close()
    await changed(ann, "edit_message", room, one, content="1b")
    await changed(ann, "add_reaction", room, two, reaction="+")
    (three,) = await said(ann, room, ["3"])
    await changed(ann, "edit_message", room, one, content="1c")
    await changed(ann, "delete_message", room, two)
    last = await changed(ann, "edit_message", room, three, content="3b")
    again = await connect(pair[1], "ben")
    await again.join(room, since=position)
    for client in (ann, again):
        await heard_up_to(client, room, last["seq"])
    assert [event["seq"] for event in placed(again, room)] == list(range(3, 9))
    again.received = [*ben.received, *again.received]
    assert folded(again, room) == (await history(ann, room))["messages"]
    assert folded(again, room) == folded(ann, room)
