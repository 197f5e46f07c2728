"""What a device has got, where the operator wants that told; and reading in private."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import heard, of_type, said
from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def telling(redis_server: RedisServer) -> Iterator[Cluster]:
    """Two workers that tell of everything, in rooms up to three members."""
    with shared(
        redis_server, 2, delivered_markers=True, read_receipts=True, large_room_members=3
    ) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(redis_server: RedisServer) -> Iterator[Cluster]:
    """A worker as it comes."""
    with shared(redis_server, 1) as made:
        yield made


async def test_members_hear_what_a_device_has_got(
    telling: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(telling[0], "ann", room)
    ben = await connect(telling[1], "ben", room)
    acks = await said(ann, room, ["1", "2"])
    answer = await ben.command("mark_delivered", roomId=room, seq=2)
    assert answer == {"type": "ack", "id": answer["id"], "roomId": room}
    assert await ann.wait_for("delivered_marker") == {
        "type": "delivered_marker",
        "roomId": room,
        "userId": "ben",
        "epoch": acks[0]["epoch"],
        "deliveredSeq": 2,
    }
    (found,) = (await ben.command("unread", roomIds=[room]))["rooms"]
    assert found["unread"] == 2, "what is delivered is not read"


async def test_the_last_of_many_is_told_and_few_are(
    telling: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(telling[0], "ann", room)
    ben = await connect(telling[1], "ben", room)
    await said(ann, room, [str(number) for number in range(30)])
    began_s = time.monotonic()
    for seq in range(1, 31):
        await ben.send(type="mark_delivered", roomId=room, seq=seq)
    await ann.wait_for(lambda event: event.get("deliveredSeq") == 30)
    # The first at once, then one an interval.
    assert len(of_type(ann, "delivered_marker")) <= 2 + (time.monotonic() - began_s)


async def test_a_large_room_is_not_told(telling: Cluster, connect: Connect, room: str) -> None:
    clients = [await connect(telling[0], f"user{n}", room) for n in range(4)]
    await said(clients[0], room, ["1"])
    assert (await clients[1].command("mark_delivered", roomId=room, seq=1))["type"] == "ack"
    await said(clients[1], room, ["goes the same way"])
    await heard(clients[0], room, "goes the same way")
    assert not of_type(clients[0], "delivered_marker")


async def test_where_it_is_not_turned_on_it_is_refused(
    quiet: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(quiet[0], "ann", room)
    answer = await ann.command("mark_delivered", roomId=room, seq=1)
    assert (answer["code"], "not turned on" in answer["message"]) == ("not_enabled", True)


async def test_who_reads_in_private_is_seen_by_the_own_devices_only(
    telling: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(telling[0], "ann", room)
    phone = await connect(telling[1], "ann", room)
    ben = await connect(telling[1], "ben", room)
    await said(ben, room, ["1", "2", "3"])
    await ann.command("mark_read", roomId=room, seq=2, private=True)
    assert (await phone.wait_for("read_marker"))["readSeq"] == 2
    (found,) = (await phone.command("unread", roomIds=[room]))["rooms"]
    assert (found["readSeq"], found["unread"]) == (2, 1)
    await said(ann, room, ["goes the same way"])
    await heard(ben, room, "goes the same way")
    assert not of_type(ben, "read_marker")
    await ann.command("mark_read", roomId=room, seq=3)
    assert (await ben.wait_for("read_marker"))["readSeq"] == 3


async def test_what_is_read_in_private_does_not_hide_what_was_read_before(
    telling: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(telling[0], "ann", room)
    ben = await connect(telling[1], "ben", room)
    await said(ben, room, ["1", "2", "3"])
    await ann.command("mark_read", roomId=room, seq=1)
    await ann.command("mark_read", roomId=room, seq=2)
    await ann.command("mark_read", roomId=room, seq=3, private=True)
    await ben.wait_for(lambda event: event.get("readSeq") == 2)
    await said(ann, room, ["goes the same way"])
    await heard(ben, room, "goes the same way")
    assert [event["readSeq"] for event in of_type(ben, "read_marker")] == [1, 2]
