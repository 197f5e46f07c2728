"""The client against real workers on a good day: what a program asks for, it gets."""

import asyncio

import pytest

from chat.client import (
    ChatMessage,
    Client,
    InvalidCommandError,
    NotAllowedError,
    Options,
    OutboxFullError,
    Phase,
    RoomLeft,
    RoomLeftError,
    StoppedError,
    TypingChanged,
    UserJoined,
)
from tests.client.conftest import Open
from tests.client.seeing import arrival, next_of, rest, take
from tests.support.cluster import Cluster
from tests.support.tokens import token
from tests.support.waiting import until


async def test_what_one_says_another_hears_and_oneself_too(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    stored = await ann.publish("Hello!", client_message_id="a-1")
    heard = await next_of(ben, ChatMessage)
    assert (heard.user_id, heard.content, heard.client_message_id) == ("ann", "Hello!", "a-1")
    assert (heard.position, heard.message_id) == (stored.position, stored.message_id)
    assert await next_of(ann, ChatMessage) == heard
    assert ben.position == stored.position
    assert not stored.duplicate


async def test_many_at_once_stand_in_the_order_in_which_they_were_said(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    async with asyncio.TaskGroup() as tasks:
        for number in range(200):
            tasks.create_task(ann.publish(str(number)))
    heard = await take(ben, ChatMessage, 200)
    assert [message.content for message in heard] == [str(number) for number in range(200)]
    assert [message.seq for message in heard] == list(range(1, 201))


async def test_a_message_waits_for_its_acknowledgement_in_sight(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    saying = asyncio.create_task(ann.publish("Hello!", client_message_id="a-1"))
    await asyncio.sleep(0)
    assert [pending[:2] for pending in ann.pending] == [("a-1", "Hello!")]
    await saying
    assert ann.pending == ()


async def test_a_message_said_twice_under_one_name_is_stored_once(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    first = await ann.publish("Hello!", client_message_id="a-1")
    second = await ann.publish("Hello!", client_message_id="a-1")
    assert (second.position, second.duplicate) == (first.position, True)


async def test_a_message_the_server_refuses_raises_and_the_next_one_goes_through(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    with pytest.raises(InvalidCommandError) as caught:
        await ann.publish("")
    assert caught.value.code == "invalid_message"
    with pytest.raises(InvalidCommandError):
        await ann.publish("x" * 100_000)
    assert (await ann.publish("fine")).seq == 1


async def test_a_full_outbox_refuses_at_once(pair: Cluster, room: str, open_client: Open) -> None:
    ann = await (await open_client(pair[0].url, "ann", max_queued=1)).join(room)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(ann.publish("first"))
        await asyncio.sleep(0)
        with pytest.raises(OutboxFullError):
            await ann.publish("second")
    assert first.result().seq == 1


async def test_a_room_that_the_token_does_not_allow_is_refused(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann", token("ann", rooms={"other": ["join"]}))
    with pytest.raises(NotAllowedError) as caught:
        await client.join(room)
    assert (caught.value.code, caught.value.room_id) == ("forbidden", room)
    assert client.rooms == {}
    with pytest.raises(InvalidCommandError):
        await client.join("no room")
    assert client.state.phase is Phase.ONLINE


async def test_history_is_read_backwards_and_forwards_in_pages(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    for number in range(1, 251):
        await ann.publish(str(number))
    back = [message.seq async for message in ann.history()]
    assert back == list(range(250, 0, -1))
    assert [message.seq async for message in ann.history(before=10, limit=4)] == [9, 8, 7, 6]
    assert [message.seq async for message in ann.history(after=100)] == list(range(101, 251))
    assert [message.seq async for message in ann.history(after=7, limit=2)] == [8, 9]


async def test_members_come_and_go_and_can_be_listed(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    await arrival(ann, "ben")
    assert ann.member_count == ben.member_count == 2
    assert sorted([member.user_id async for member in ann.members()]) == ["ann", "ben"]
    await ben.leave()
    await until(lambda: ann.member_count == 1, what="ben to be gone")


async def test_typing_is_seen_and_forgotten(pair: Cluster, room: str, open_client: Open) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    await ben.typing()
    await ben.typing()
    assert (await next_of(ann, TypingChanged)).is_typing
    assert list(ann.typists) == ["ben"]
    await ben.typing(False)
    assert not (await next_of(ann, TypingChanged)).is_typing
    assert list(ann.typists) == []


async def test_a_room_that_was_left_ends_its_events_and_can_be_joined_again(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann")
    first = await client.join(room)
    await first.publish("one")
    assert (await next_of(first, ChatMessage)).seq == 1
    await first.leave()
    assert not [event for event in await rest(first) if isinstance(event, ChatMessage)]
    assert not first.joined
    with pytest.raises(RoomLeftError):
        await first.publish("two")
    second = await client.join(room)
    await second.publish("two")
    assert (await next_of(second, ChatMessage)).content == "two"
    await first.leave()
    assert client.rooms == {room: second}


async def test_joining_twice_gives_the_same_room(
    pair: Cluster, room: str, open_client: Open
) -> None:
    client = await open_client(pair[0].url, "ann")
    first, second = await asyncio.gather(client.join(room), client.join(room))
    assert first is second


async def test_a_position_kept_from_an_earlier_life_brings_what_followed(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    kept = (await ann.publish("one")).position
    await ann.publish("two")
    ben = await (await open_client(pair[1].url, "ben")).join(room, since=kept)
    assert ben.position == kept
    assert (await next_of(ben, ChatMessage)).content == "two"


async def test_a_token_that_no_longer_allows_a_room_ends_it(
    pair: Cluster, room: str, open_client: Open
) -> None:
    joined = asyncio.Event()
    tokens = [token("ann", ttl_s=20.0), token("ann", rooms={"elsewhere": ["join"]})]

    async def fresh() -> str:
        if len(tokens) == 1:
            await joined.wait()
        return tokens.pop(0)

    client = await open_client(pair[0].url, "ann", fresh)
    left = await client.join(room)
    joined.set()
    events = await rest(left)
    assert isinstance(events[-1], RoomLeft)
    assert events[-1].reason == "forbidden"
    with pytest.raises(RoomLeftError) as caught:
        await left.publish("too late")
    assert caught.value.reason == "forbidden"


async def test_a_closed_client_ends_quietly_and_says_so(pair: Cluster, room: str) -> None:
    async with Client(pair[0].url, token("ann"), options=Options(proxy=None)) as client:
        before = client.user_id
        await client.wait_online()
        assert (before, client.user_id) == (None, "ann")
        left = await client.join(room)
        states = client.states()
        assert (await anext(states)).phase is Phase.ONLINE
    assert (await anext(states)).phase is Phase.STOPPED
    assert [event for event in await rest(left) if not isinstance(event, UserJoined)] == []
    with pytest.raises(StoppedError):
        await client.join(room)
    with pytest.raises(StoppedError):
        await left.publish("too late")


async def test_a_cancelled_join_leaves_no_membership(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    client = await open_client(pair[1].url, "ben")
    await client.wait_online()
    joining = asyncio.create_task(client.join(room))
    await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    assert client.rooms == {}
    again = await client.join(room)
    await ann.publish("Are you there?")
    assert (await next_of(again, ChatMessage)).content == "Are you there?"


async def test_a_cancelled_publish_is_taken_back_and_holds_up_nothing(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(ann.publish("first"))
        second = tasks.create_task(ann.publish("second"))
        third = tasks.create_task(ann.publish("third"))
        await asyncio.sleep(0)
        second.cancel()
    assert (first.result().seq, third.result().seq) == (1, 2)
    assert [message.content async for message in ann.history()] == ["third", "first"]


@pytest.mark.parametrize("url", ["", "localhost:8080", "http://localhost/ws", "ws://"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="wss://"):
        Client(url, "token")
