"""What a room is like, as the client says and hears it, with real workers."""

import pytest

from chat.client import About, ChatMessage, NotAllowedError, RoomChanged
from tests.client.conftest import Open
from tests.client.seeing import next_of
from tests.support.cluster import Cluster
from tests.support.tokens import token

MODERATOR = {"*": ["join", "publish", "moderate"]}


async def test_a_change_is_heard_by_all_and_known_to_who_joins_later(
    pair: Cluster, open_client: Open, room: str
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    ann = await (await open_client(pair[1].url, "ann")).join(room)
    assert ann.about == About()
    stored = await mod.change(title="Tea", topic="Green or black?", slow_mode_ms=0)
    heard = await next_of(ann, RoomChanged)
    assert (heard.seq, heard.user_id, heard.room) == (stored.seq, "mod", ann.about)
    assert ann.about == About(title="Tea", topic="Green or black?", slow_mode_ms=0)
    await mod.change(topic=None)
    await next_of(ann, RoomChanged)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    assert ben.about == ann.about == About(title="Tea", slow_mode_ms=0)


async def test_where_only_moderators_write_others_read(
    pair: Cluster, open_client: Open, room: str
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    ann = await (await open_client(pair[1].url, "ann")).join(room)
    await mod.change(read_only=True)
    await next_of(ann, RoomChanged)
    with pytest.raises(NotAllowedError) as caught:
        await ann.publish("but")
    assert caught.value.code == "read_only"
    await mod.publish("Hear, hear")
    assert (await next_of(ann, ChatMessage)).content == "Hear, hear"
    with pytest.raises(NotAllowedError):
        await ann.change(read_only=None)
    await mod.change(read_only=None)
    await next_of(ann, RoomChanged)
    await ann.publish("Thank you")


async def test_what_changed_while_one_was_away_comes_in_its_place(
    pair: Cluster, open_client: Open, room: str
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    client = await open_client(pair[1].url, "ann")
    ann = await client.join(room)
    assert client._lifeline.connection is not None
    client._lifeline.connection.abort()
    await mod.change(title="One")
    await mod.publish("between")
    await mod.change(title="Two")
    assert (await next_of(ann, RoomChanged)).room.title == "One"
    assert (await next_of(ann, ChatMessage)).content == "between"
    assert (await next_of(ann, RoomChanged)).room.title == "Two"
    assert ann.about.title == "Two"
