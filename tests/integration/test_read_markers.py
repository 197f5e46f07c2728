"""How far a user has read: on all devices, forward only, through what happens to the store."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import heard, insist, insist_on_joining, of_type, said
from tests.support.client import ChatClient, Event
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]


async def mark(client: ChatClient, room: str, seq: int, **more: Any) -> Event:
    answer = await client.command("mark_read", roomId=room, seq=seq, **more)
    assert answer == {"type": "ack", "id": answer["id"], "roomId": room}, answer
    return answer


async def unread(client: ChatClient, *rooms: str) -> list[Event]:
    answer = await client.command("unread", roomIds=list(rooms))
    assert answer["type"] == "unread", answer
    found: list[Event] = answer["rooms"]
    return found


async def read_seq_becomes(client: ChatClient, room: str, seq: int, timeout_s: float = 30) -> None:
    async def is_there() -> bool:
        answer = await client.command("unread", roomIds=[room])
        return bool(answer["type"] == "unread" and answer["rooms"][0].get("readSeq") == seq)

    await until(is_there, timeout_s, what=f"the marker to be at {seq}", interval_s=0.1)


async def test_the_other_devices_of_the_user_hear_it_and_nobody_else(
    pair: Cluster, connect: Connect, room: str
) -> None:
    laptop = await connect(pair[0], "ann", room)
    tablet = await connect(pair[0], "ann", room)
    phone = await connect(pair[1], "ann", room)
    others = [await connect(pair[n], f"other{n}", room) for n in range(2)]
    acks = await said(others[0], room, ["1", "2", "3"])
    await mark(laptop, room, 2)
    for device in (tablet, phone):
        assert await device.wait_for("read_marker") == {
            "type": "read_marker",
            "roomId": room,
            "userId": "ann",
            "epoch": acks[0]["epoch"],
            "readSeq": 2,
        }
    await said(others[0], room, ["goes the same way"])
    for other in others:
        await heard(other, room, "goes the same way")
        assert not of_type(other, "read_marker")


async def test_who_has_marked_on_the_only_device_is_not_told(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1"])
    await mark(ann, room, 1)
    await said(ann, room, ["goes the same way"])
    await heard(ann, room, "goes the same way")
    assert not of_type(ann, "read_marker")


async def test_unread_counts_agree_on_all_workers_in_the_room_or_not(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    acks = await said(ann, room, ["1", "2", "3"])
    await mark(ann, room, 1)
    elsewhere = await connect(pair[1], "ann")
    await read_seq_becomes(elsewhere, room, 1)
    found = await unread(elsewhere, room, f"{room}-empty")
    assert found == [
        {
            "roomId": room,
            "epoch": acks[0]["epoch"],
            "headSeq": 3,
            "readSeq": 1,
            "unread": 2,
        },
        {"roomId": f"{room}-empty", "headSeq": 0, "unread": 0},
    ]
    ben = await connect(pair[1], "ben")
    (for_ben,) = await unread(ben, room)
    assert (for_ben["unread"], "readSeq" in for_ben) == (3, False)


async def test_joining_tells_how_much_is_unread_where_there_is_a_marker(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2", "3"])
    await mark(ann, room, 2)
    phone = await connect(pair[1], "ann")
    await read_seq_becomes(phone, room, 2)
    joined = await phone.join(room)
    assert (joined["seq"], joined["readSeq"], joined["unread"]) == (3, 2, 1)
    ben = await connect(pair[1], "ben")
    joined = await ben.join(room)
    assert not {"readSeq", "unread"} & set(joined)


async def test_the_last_of_many_marks_gets_there_and_few_are_written(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    phone = await connect(pair[1], "ann", room)
    await said(ann, room, [str(number) for number in range(50)])
    began_s = time.monotonic()
    for seq in range(1, 51):
        await ann.send(type="mark_read", roomId=room, seq=seq)
    await mark(ann, room, 30)  # back: the last word is still 50
    await phone.wait_for(lambda event: event.get("readSeq") == 50)
    # Two, unless this machine is very slow: the first at once, then one an interval.
    assert len(of_type(phone, "read_marker")) <= 2 + (time.monotonic() - began_s)


@pytest.mark.slow
async def test_in_a_large_room_markers_are_written_less_often(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, large_room_members=1, member_count_interval=0.2, **NO_LIMITS)
    phone = await connect(workers[1], "ann", room)
    ann = await connect(workers[0], "ann", room)
    for number in range(3):
        await connect(workers[1], f"other{number}", room)
    await ann.wait_for(lambda event: event.get("memberCount") == 4, 30.0)
    await said(ann, room, ["1", "2"])
    began_s = time.monotonic()
    await mark(ann, room, 1)
    await mark(ann, room, 2)
    await phone.wait_for(lambda event: event.get("readSeq") == 2)
    assert time.monotonic() - began_s > 3.5  # four members are four intervals of a second


async def test_a_marker_never_moves_back_whichever_device_says_so(
    pair: Cluster, connect: Connect, room: str
) -> None:
    devices = [await connect(pair[n], "ann", room) for n in range(2)]
    await said(devices[0], room, ["1", "2", "3"])
    await mark(devices[0], room, 3)
    await devices[1].wait_for(lambda event: event.get("readSeq") == 3)
    await mark(devices[1], room, 1)
    await asyncio.sleep(0.3)
    assert [(entry["readSeq"], entry["unread"]) for entry in await unread(devices[0], room)] == [
        (3, 0)
    ]
    assert of_type(devices[0], "read_marker") == []


async def test_a_mark_past_the_head_counts_up_to_the_head(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2"])
    await mark(ann, room, 1000)
    assert [entry["unread"] for entry in await unread(ann, room)] == [0]
    await said(ann, room, ["3"])
    phone = await connect(pair[1], "ann")
    await read_seq_becomes(phone, room, 2)


async def test_marking_needs_membership_and_asking_the_right_to_join(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", rooms={room: ["join"]})
    answer = await ann.command("mark_read", roomId=room, seq=1)
    assert answer["code"] == "not_joined"
    answer = await ann.command("unread", roomIds=[room, "elsewhere"])
    assert answer["code"] == "forbidden"
    answer = await ann.command("unread", roomIds=["no room"])
    assert answer["code"] == "invalid_room"
    for count in (0, 101):
        answer = await ann.command("unread", roomIds=[room] * count)
        assert answer["code"] == "invalid_message"


async def test_an_epoch_that_never_was_is_refused(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    answer = await ann.command("mark_read", roomId=room, seq=1, epoch="ffffffffff")
    assert answer["code"] == "epoch_changed"


async def test_rooms_from_which_one_is_banned_are_left_out(
    pair: Cluster, connect: Connect, room: str
) -> None:
    mod = await connect(pair[0], "mod", rooms={"*": ["join", "publish", "moderate"]})
    await mod.join(room)
    await mod.join(f"{room}-2")
    answer = await mod.command("ban_user", roomId=room, userId="ann")
    assert answer["type"] == "ack"
    ann = await connect(pair[1], "ann")
    assert [entry["roomId"] for entry in await unread(ann, room, f"{room}-2")] == [f"{room}-2"]


async def test_with_receipts_all_members_hear_how_far_each_has_read(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, read_receipts=True, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1"])
    await mark(ann, room, 1)
    event = await ben.wait_for("read_marker")
    assert (event["userId"], event["readSeq"]) == ("ann", 1)


async def test_receipts_stop_where_a_room_is_large(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, read_receipts=True, large_room_members=1, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    phone = await connect(workers[0], "ann", room)
    ben = await connect(workers[0], "ben", room)
    await said(ann, room, ["1"])
    await mark(ann, room, 1)
    await phone.wait_for("read_marker")
    await said(ann, room, ["goes the same way"])
    await heard(ben, room, "goes the same way")
    assert not of_type(ben, "read_marker")


async def test_a_restart_of_redis_that_kept_everything_keeps_the_markers(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    acks = await said(ann, room, ["1", "2", "3"])
    await mark(ann, room, 2)
    await read_seq_becomes(ann, room, 2)
    await asyncio.to_thread(fresh_redis.restart)
    after = await insist(ann, room, "4")
    assert after["epoch"] != acks[0]["epoch"]
    phone = await connect(workers[1], "ann")
    joined = await insist_on_joining(phone, room)
    assert (joined["seq"], joined["readSeq"], joined["unread"]) == (4, 2, 2)
    await mark(ann, room, 3, epoch=acks[0]["epoch"])  # of before the fork, and still true
    await read_seq_becomes(phone, room, 3)


async def test_a_mark_that_is_made_while_redis_is_away_gets_there(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    phone = await connect(workers[1], "ann", room)
    await said(ann, room, ["1", "2", "3"])
    await asyncio.to_thread(fresh_redis.stop)
    await mark(ann, room, 2)
    await mark(ann, room, 3)
    await asyncio.to_thread(fresh_redis.start)
    await read_seq_becomes(phone, room, 3)  # its worker may not hear the room again when it is told


async def test_after_a_flush_nothing_counts_as_read(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    acks = await said(ann, room, ["1", "2", "3"])
    await mark(ann, room, 3)
    fresh_redis.run("FLUSHALL")
    await said(ann, room, ["a new life"])
    await ann.wait_for("gap")
    (found,) = await unread(ann, room)
    assert (found["headSeq"], found["unread"], "readSeq" in found) == (1, 1, False)
    answer = await ann.command("mark_read", roomId=room, seq=3, epoch=acks[0]["epoch"])
    assert answer["code"] == "epoch_changed"


async def test_a_worker_that_leaves_writes_the_last_mark(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, read_marker_interval=600.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    phone = await connect(workers[1], "ann", room)
    await said(ann, room, ["1", "2", "3"])
    for seq in (1, 2, 3):
        await mark(ann, room, seq)
    (found,) = await unread(ann, room)
    assert found["readSeq"] == 3  # what was said here counts here at once
    workers[0].signal(signal.SIGTERM)
    await phone.wait_for(lambda event: event.get("readSeq") == 3, 30.0)
