"""Read markers of the Python client: one's own on all devices, forward only, told when back."""

import asyncio
import uuid
from typing import Any

import pytest

from chat.client import ChatMessage, GoneError, Position, ReadMarker
from chat.client.events import Gap, RoomJoined
from chat.client.reading import Reading
from tests.client.conftest import Open
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.waiting import until


def joined(read_seq: int | None) -> RoomJoined:
    return RoomJoined(room_id="r", member_count=1, epoch="e", seq=9, read_seq=read_seq)


def heard(user_id: str, read_seq: int) -> ReadMarker:
    return ReadMarker(room_id="r", user_id=user_id, epoch="e", read_seq=read_seq)


def test_a_marker_only_moves_forward_and_only_one_s_own() -> None:
    reading = Reading()
    reading.user_id = "ann"
    reading.joined(joined(None))
    assert reading.seq is None
    reading.heard(heard("ben", 8))
    assert reading.seq is None
    reading.heard(heard("ann", 5))
    reading.joined(joined(3))
    assert reading.seq == 5


def test_of_several_places_the_last_is_told_once() -> None:
    reading = Reading()
    for seq in (2, 7, 4):
        reading.read(Position("e", seq))
    untold = reading.untold
    assert untold == Position("e", 7)
    reading.told(untold)
    assert reading.untold is None
    assert reading.seq == 7


def test_after_a_reset_what_is_gone_does_not_count_as_read() -> None:
    reading = Reading()
    reading.read(Position("e", 8))
    gap = Gap(room_id="r", reason="reset", epoch="f", from_seq=6, to_seq=6, previous_epoch="e")
    reading.lost(gap)
    assert (reading.seq, reading.untold) == (6, None)
    reading.read(Position("f", 7))
    assert reading.untold == Position("f", 7)


def test_a_server_that_knows_less_than_it_was_told_is_told_again() -> None:
    reading = Reading()
    reading.read(Position("e", 7))
    reading.told(Position("e", 7))
    reading.joined(joined(3))
    assert (reading.seq, reading.untold) == (7, Position("e", 7))
    reading.told(Position("e", 7))
    reading.joined(joined(None))
    assert reading.untold == Position("e", 7)


def test_a_place_that_was_refused_does_not_count_and_does_not_stand_in_the_way() -> None:
    reading = Reading()
    reading.joined(joined(2))
    reading.read(Position("of before", 50))
    reading.refused(Position("of before", 50))
    assert (reading.seq, reading.untold) == (2, None)
    reading.read(Position("e", 3))
    assert (reading.seq, reading.untold) == (3, Position("e", 3))


async def test_what_is_read_on_a_device_is_read_on_the_other(
    pair: Cluster, open_client: Open, room: str
) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    laptop = await (await open_client(pair[0].url, user)).join(room)
    phone = await (await open_client(pair[1].url, user)).join(room)
    ben = await (await open_client(pair[1].url, "ben")).join(room)
    for text in ("1", "2", "3"):
        await ben.publish(text)
    await until(lambda: laptop.unread == phone.unread == 3)
    events = laptop.events()
    async for event in events:
        if isinstance(event, ChatMessage) and event.content == "2":
            await laptop.mark_read(event)
            break
    assert (laptop.read_seq, laptop.unread) == (2, 1)
    await until(lambda: phone.read_seq == 2)
    assert (phone.unread, ben.read_seq) == (1, None)
    again = await (await open_client(pair[1].url, user)).join(room)
    assert (again.read_seq, again.unread) == (2, 1)
    await laptop.mark_read()  # all that was handed over: the same, so nothing moves
    assert laptop.read_seq == 2


async def test_many_marks_at_once_are_few_on_the_wire_and_the_last_arrives(
    pair: Cluster, open_client: Open, room: str
) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    laptop = await (await open_client(pair[0].url, user)).join(room)
    phone = await (await open_client(pair[1].url, user)).join(room)
    stored = [await laptop.publish(str(number)) for number in range(20)]
    await asyncio.gather(
        *(laptop.mark_read(Position(place.epoch, place.seq)) for place in stored if place.epoch)
    )
    await until(lambda: phone.read_seq == 20, 30.0)


async def test_unread_counts_of_rooms_one_is_not_in(
    pair: Cluster, open_client: Open, room: str
) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    ben = await (await open_client(pair[0].url, "ben")).join(room)
    await ben.publish("1")
    ann = await open_client(pair[1].url, user)
    found = await ann.unread([room, *(f"{room}-{number}" for number in range(120))])
    assert len(found) == 121
    assert (found[0].room_id, found[0].unread, found[0].read_seq) == (room, 1, None)
    assert {entry.unread for entry in found[1:]} == {0}


async def test_a_place_of_an_unknown_epoch_is_gone(
    pair: Cluster, open_client: Open, room: str
) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    with pytest.raises(GoneError):
        await ann.mark_read(Position("ffffffffff", 1))


async def test_what_was_read_outlives_the_worker_that_had_not_written_it_yet(
    redis_server: RedisServer, open_client: Open, room: str
) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    settings: dict[str, Any] = {**NO_LIMITS, "read_marker_interval": 600.0}
    async with Cluster(redis_server, 2, **settings) as workers:
        laptop = await (await open_client(workers.urls, user)).join(room)
        stored = [await laptop.publish(text) for text in ("1", "2", "3")]
        for place in stored:
            await laptop.mark_read(Position(place.epoch or "", place.seq or 0))
        for worker in workers.workers:
            await worker.kill()
            await worker.start()
        await until(lambda: laptop.joined, 30.0)
        phone = await open_client(workers.urls, user)

        async def is_known() -> bool:
            return [entry.read_seq for entry in await phone.unread([room])] == [3]

        await until(is_known, 30.0)
