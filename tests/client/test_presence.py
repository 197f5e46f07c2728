"""How users are, as the client hears and tells it, with real workers."""

import uuid
from collections.abc import Iterator

import pytest

from chat.client import DeliveredMarker, PresenceChanged, ReadMarker
from tests.client.conftest import Open
from tests.client.seeing import arrival, next_of
from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer
from tests.support.waiting import until


@pytest.fixture(scope="module")
def pair(redis_server: RedisServer) -> Iterator[Cluster]:
    """Two workers that take delivered markers and tell read markers to all."""
    told = {"delivered_markers": True, "read_receipts": True}
    with shared(redis_server, 2, presence_change_interval=0.2, **told) as made:
        yield made


@pytest.fixture
def ann() -> str:
    """A user no other test has."""
    return f"ann-{uuid.uuid4().hex[:6]}"


async def test_a_choice_is_heard_listed_and_found_also_of_who_is_not_here(
    pair: Cluster, open_client: Open, room: str, ann: str
) -> None:
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    client = await open_client(pair[0].url, ann)
    await client.set_presence("busy", status="In a call")
    await client.join(room)
    joined = await arrival(ben, ann)
    assert (joined.state, joined.status) == ("busy", "In a call")
    members = {member.user_id: member async for member in ben.members()}
    assert (members[ann].state, members[ann].status) == ("busy", "In a call")
    assert members["ben"].state == "online"
    await client.set_presence("online", status="")
    changed = await next_of(ben, PresenceChanged)
    assert (changed.user_id, changed.state, changed.status) == (ann, "online", None)
    [here, nobody] = await ben.users([ann, "nobody"])
    assert (here.state, nobody.state, nobody.last_seen) == ("online", "offline", None)


async def test_who_is_idle_is_away_also_on_the_next_connection(
    pair: Cluster, open_client: Open, room: str, ann: str
) -> None:
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    client = await open_client(pair[0].url, ann)
    await client.set_idle(True)
    await client.join(room)

    async def is_away() -> bool:
        return (await ben.users([ann]))[0].state == "away"

    await until(is_away, 30.0)
    assert client._lifeline.connection is not None
    client._lifeline.connection.abort()
    client.reconnect_now()
    await client.wait_online()
    await until(is_away, 30.0)
    await client.set_idle(False)
    while (await next_of(ben, PresenceChanged)).state != "online":
        continue


async def test_what_was_delivered_is_told_and_what_was_read_in_private_is_not(
    pair: Cluster, open_client: Open, room: str, ann: str
) -> None:
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    mine = await (await open_client(pair[0].url, ann)).join(room)
    first = await ben.publish("one")
    await mine.mark_read(first.position, private=True)
    await mine.mark_delivered(first.position)
    heard = await next_of(ben, DeliveredMarker)
    assert (heard.user_id, heard.delivered_seq) == (ann, first.seq)
    second = await ben.publish("two")
    await mine.mark_read(second.position)
    read = await next_of(ben, ReadMarker)
    assert (read.user_id, read.read_seq) == (ann, second.seq), "the private one was not told"
