"""Edits, deletions and reactions with real workers: everyone sees the same conversation."""

import pytest

from chat.client import (
    Amendment,
    ChatMessage,
    Conversation,
    GoneError,
    MessageDeleted,
    NotAllowedError,
    Ordered,
)
from tests.client.conftest import Open
from tests.client.seeing import take
from tests.support.cluster import Cluster


async def test_what_happens_to_messages_reaches_everyone_and_folds_to_what_history_says(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    hello = await ann.publish("helo")
    await ben.react(hello, "👍")
    await ann.react(hello, "👍")
    await ben.react(hello, "🎉")
    await ben.unreact(hello, "🎉")
    changed = await ann.edit(hello, "hello", mentions=["ben"])
    assert (changed.seq, changed.message_seq, changed.message_id) == (6, 1, hello.message_id)
    answer = await ben.publish("hi", reply_to=hello, thread_id=hello.message_id)
    await ben.delete(answer)

    conversation = Conversation()
    for event in await take(ben, Ordered, 8):
        conversation.apply(event)
    first, second = conversation
    assert (first.content, first.mentions, first.reactions) == (
        "hello",
        ["ben"],
        {"👍": ["ben", "ann"]},
    )
    assert (second.deleted, second.deleted_by, second.content) == (True, "ben", "")
    assert second.thread_id == hello.message_id
    assert second.reply_to is not None
    assert second.reply_to.seq == 1

    read = Conversation()
    read.add_page(await ann.history_page())
    assert list(read) == [first, second]
    assert [message async for message in ben.history()] == [second, first]


async def test_what_happened_while_one_was_away_folds_to_the_same(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    hello = await ann.publish("helo")
    kept = hello.position
    gone = await ann.publish("never mind")
    await ann.edit(hello, "hello")
    await ann.edit(hello, "hello!")
    await ann.delete(gone)
    ben = await (await open_client(pair[1].url, "ben")).join(room, since=kept)
    conversation = Conversation()
    conversation.add_page(await ben.history_page(before=2))
    for event in await take(ben, Ordered, 4):
        conversation.apply(event)
    read = Conversation()
    read.add_page(await ben.history_page())
    assert list(conversation) == list(read)
    assert [message.content for message in read] == ["hello!", ""]


async def test_a_reaction_may_answer_an_event_about_a_message(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    hello = await ann.publish("helo")
    edit = await ann.edit(hello, "hello")
    await ann.react(edit, "👍")
    [event] = await take(ann, Amendment, 1)
    await ann.react(event, "🎉")
    [message] = [message async for message in ann.history()]
    assert message.reactions == {"👍": ["ann"], "🎉": ["ann"]}


async def test_the_message_of_another_is_not_ones_to_change(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    hello = await ann.publish("hello")
    with pytest.raises(NotAllowedError) as caught:
        await ben.edit(hello, "something else")
    assert caught.value.code == "not_author"
    await ann.delete(hello)
    with pytest.raises(GoneError):
        await ann.edit(hello, "too late")
    [said] = await take(ben, ChatMessage, 1)
    [event] = await take(ben, MessageDeleted, 1)
    assert (event.message_seq, event.message_id) == (said.seq, said.message_id)
