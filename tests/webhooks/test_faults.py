"""Kill -9 of workers and of `chat hooks`, an endpoint that is down, a Cluster: nothing is lost."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from chat.broker.slots import SLOTS, slot_of_tag
from tests.support.client import ChatClient, ClosedError
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.hooks import Dispatching, Hooks
from tests.support.receiver import Receiver
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

ROOMS = 8
#: Acknowledgements between two faults.
STEP = 25
Acknowledged = dict[str, dict[int, str]]  # by room and seq


class Crowd:
    """Users who say something again and again, and come back when their worker is killed."""

    def __init__(self, cluster: Cluster, rooms: Sequence[str]) -> None:
        self._cluster = cluster
        self._rooms = rooms
        self.acknowledged: Acknowledged = defaultdict(dict)
        self._stop = asyncio.Event()
        self._numbers = 0

    async def __aenter__(self) -> "Crowd":
        self._tasks = [asyncio.create_task(self._speak(room)) for room in self._rooms]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def more(self, count: int) -> None:
        """Wait for so many more acknowledgements."""
        wanted = self.total() + count
        await until(lambda: self.total() >= wanted, 30.0, what=f"{count} acknowledgements")

    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    async def _speak(self, room: str) -> None:
        number = 0
        while not self._stop.is_set():
            url = self._cluster[number % len(self._cluster.workers)].url
            number += 1
            try:
                client = await ChatClient.connect(url, self._cluster.token(room), timeout_s=2.0)
            except (OSError, TimeoutError, ClosedError, WebSocketException):
                await asyncio.sleep(0.05)
                continue
            try:
                await client.join(room)
                while not self._stop.is_set():
                    self._numbers += 1
                    content = str(self._numbers)
                    said = await client.say(room, content)
                    if said["type"] == "ack":
                        self.acknowledged[room][said["seq"]] = content
                    await asyncio.sleep(0.01)
            except (OSError, TimeoutError, ClosedError):
                pass
            finally:
                await client.abort()


async def all_told(receivers: Sequence[Receiver], acknowledged: Acknowledged) -> None:
    """Wait for all acknowledged messages, and hold what was taken against the promises."""

    def missing() -> int:
        told = {
            (event["roomId"], event["seq"])
            for receiver in receivers
            for event in receiver.events("chat_message")
        }
        return sum((room, seq) not in told for room in acknowledged for seq in acknowledged[room])

    await until(lambda: missing() == 0, 30.0, what="all acknowledged messages")
    for receiver in receivers:
        assert not receiver.events("gap")
        assert all(taken.is_signed for taken in receiver.deliveries)
        for room, said in acknowledged.items():
            told = receiver.events("chat_message", room=room)
            seqs = [event["seq"] for event in told]
            assert seqs == sorted(seqs)
            if len(receivers) == 1:
                assert seqs == list(range(1, len(seqs) + 1))  # what was not acknowledged, too
            for event in told:
                assert said.get(event["seq"], event["content"]) == event["content"]


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_when_processes_are_killed_and_the_endpoint_is_down(
    room: str,
) -> None:
    rooms = [f"{room}-{number}" for number in range(ROOMS)]
    settings: dict[str, Any] = {"webhooks": True, "history_size": 10_000, **NO_LIMITS}
    with RedisServer(appendfsync="always") as redis:
        async with (
            Receiver() as receiver,
            Cluster(redis, 2, **settings) as cluster,
            Hooks(cluster[0].settings, receiver.url) as hooks,
        ):
            async with Crowd(cluster, rooms) as crowd:
                await crowd.more(STEP)
                await cluster[0].kill()
                await crowd.more(STEP)
                await hooks.kill()
                await crowd.more(STEP)
                await receiver.stop()
                await hooks.start()
                await crowd.more(STEP)
                redis.restart(kill=True)
                await crowd.more(STEP)
                await receiver.start()
                await crowd.more(STEP)
            await all_told([receiver], crowd.acknowledged)
            assert len({event["epoch"] for event in receiver.events("chat_message")}) > 1


@pytest.mark.slow
async def test_a_process_that_stood_still_moves_no_cursor_that_another_has_moved(
    redis_server: RedisServer, redis_prefix: str, room: str
) -> None:
    """What it has in hand may come twice, with the same ids; nothing is lost or out of order."""
    rooms = [f"{room}-{number}" for number in range(ROOMS)]
    settings: dict[str, Any] = {"webhooks": True, "redis_prefix": redis_prefix, **NO_LIMITS}
    async with (
        Receiver() as receiver,
        Cluster(redis_server, 1, **settings) as cluster,
        Hooks(cluster[0].settings, receiver.url) as frozen,
        Crowd(cluster, rooms) as crowd,
    ):
        await crowd.more(STEP)
        frozen.pause()
        await crowd.more(STEP)
        async with Dispatching(cluster[0].settings, receiver.url):
            await all_told(
                [receiver], {room: dict(said) for room, said in crowd.acknowledged.items()}
            )
            frozen.resume()
            await crowd.more(STEP)
        await crowd.stop()
        await all_told([receiver], crowd.acknowledged)


@pytest.mark.slow
async def test_rooms_of_all_shards_of_a_redis_cluster_are_told(room: str) -> None:
    rooms = [f"{room}-{number}" for number in range(ROOMS)]
    settings: dict[str, Any] = {"webhooks": True, **NO_LIMITS}
    with RedisCluster(replicas=0) as redis:
        async with (
            Receiver() as receiver,
            Cluster(redis.url, 1, **settings) as cluster,
            Dispatching(cluster[0].settings, receiver.url),
        ):
            async with Crowd(cluster, rooms) as crowd:
                await crowd.more(STEP)
            await all_told([receiver], crowd.acknowledged)
            await receiver.until(ROOMS, "user_joined")
            await receiver.until(ROOMS, "connected")
            await receiver.until(ROOMS, "disconnected")
    slots = {slot_of_tag(name) * 3 // SLOTS for name in rooms}
    assert len(slots) > 1
