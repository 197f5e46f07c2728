"""Acknowledgements that wait for replicas (CHAT_REDIS_WAIT_REPLICAS)."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, said
from tests.support.client import ChatClient, Event
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.processes import paused
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard
from tests.support.redis_server import RedisServer
from tests.support.sentinels import Sentinels
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]
WAIT = {"redis_wait_replicas": 1, "redis_wait_timeout": 0.4, **NO_LIMITS}


@pytest.fixture
def replicated() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A master and its replica."""
    with (
        RedisServer(tcp=True, repl_diskless_sync_delay="0") as master,
        RedisServer(tcp=True) as replica,
    ):
        replica.run("REPLICAOF", "127.0.0.1", master.port)
        deadline = time.monotonic() + 30.0
        while replica.replication()["master_link_status"] != "up":
            assert time.monotonic() < deadline, "the replica does not get through"
            time.sleep(0.02)
        # The master counts on a replica only once that has said how far it is.
        assert int(master.run("WAIT", 1, 25_000)) == 1, "the master knows no replica"
        yield master, replica


async def attempt(client: ChatClient, room: str, text: str) -> Event:
    return await client.say(room, text, f"only-{text}")


async def acknowledged(client: ChatClient, room: str, text: str) -> Event:
    """Say it until it is: a replica that gets no turn for a while is not there for as long."""

    async def ack() -> Event | None:
        answer = await attempt(client, room, text)
        assert answer["type"] == "ack" or answer["code"] == "not_replicated", answer
        return answer if answer["type"] == "ack" else None

    found: Event = await until(ack)
    return found


async def test_an_acknowledged_message_is_on_the_replica(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    redis_prefix: str,
    room: str,
) -> None:
    master, replica = replicated
    workers = await cluster(1, redis=master, **WAIT | {"redis_wait_timeout": 20.0})
    ann = await connect(workers[0], "ann", room)
    for number in range(20):
        (ack,) = await said(ann, room, [str(number)])
        assert replica.run("HGET", f"{redis_prefix}:{{{room}}}:stream", "s") == str(ack["seq"])


async def test_without_the_replica_the_sender_hears_that_and_the_members_the_message(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    room: str,
) -> None:
    master, replica = replicated
    workers = await cluster(1, redis=master, **WAIT)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[0], "ben", room)
    await acknowledged(ann, room, "1")

    async def history_comes_before_the_answer() -> bool:
        waiting = asyncio.create_task(attempt(ann, room, "3"))
        assert (await ben.command("history", roomId=room))["type"] == "history"
        came_before = not waiting.done()
        assert (await waiting)["code"] == "not_replicated"
        return came_before

    with paused(replica.pid):
        began_s = time.monotonic()
        answer = await attempt(ann, room, "2")
        assert time.monotonic() - began_s > 0.3
        assert (answer["code"], answer["uncertain"]) == ("not_replicated", True)
        assert answer["retryAfterMs"]
        await heard(ben, room, "2")
        # Nothing else is held up by the wait.
        await until(history_comes_before_the_answer)
        # A retry is stored already, and still not replicated.
        assert (await attempt(ann, room, "2"))["code"] == "not_replicated"
    ack = await acknowledged(ann, room, "2")
    assert (ack["seq"], ack["duplicate"]) == (2, True)
    await heard(ben, room, "3")
    assert contents(ben.messages(room)) == ["1", "2", "3"]


async def test_a_change_is_acknowledged_when_it_is_on_the_replica(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    room: str,
) -> None:
    master, replica = replicated
    workers = await cluster(1, redis=master, **WAIT)
    ann = await connect(workers[0], "ann", room)
    message = await acknowledged(ann, room, "1")
    deletion = {
        "roomId": room,
        "seq": message["seq"],
        "messageId": message["messageId"],
        "clientMessageId": "only",
    }
    with paused(replica.pid):
        for _ in range(2):  # a retry finds it deleted, and is still not replicated
            answer = await ann.command("delete_message", **deletion)
            assert (answer["code"], answer["uncertain"]) == ("not_replicated", True)
        assert await ann.wait_for("message_deleted")

    async def deleted() -> Event | None:
        answer = await ann.command("delete_message", **deletion)
        return answer if answer["type"] == "ack" else None

    ack = await until(deleted)
    assert (ack["seq"], ack["duplicate"]) == (2, True)


async def test_messages_that_are_stored_meanwhile_wait_together(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    room: str,
) -> None:
    master, _ = replicated
    workers = await cluster(1, redis=master, **WAIT | {"redis_wait_timeout": 20.0})
    ann = await connect(workers[0], "ann", room)
    master.run("CONFIG", "RESETSTAT")
    answers = await asyncio.gather(*(ann.say(room, str(number)) for number in range(300)))
    assert {answer["type"] for answer in answers} == {"ack"}
    with master.connect() as client:
        waits = client.info("commandstats")["cmdstat_wait"]["calls"]
    assert waits < 150


async def test_a_drain_waits_for_the_acknowledgements(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    room: str,
) -> None:
    master, replica = replicated
    workers = await cluster(1, redis=master, **WAIT | {"redis_wait_timeout": 20.0})
    ann = await connect(workers[0], "ann", room)
    await said(ann, room, ["1"])
    with paused(replica.pid):
        saying = asyncio.create_task(ann.say(room, "2"))
        await heard(ann, room, "2")
        workers[0].signal(signal.SIGTERM)
    assert (await saying)["type"] == "ack"
    assert (await ann.wait_closed()).code == 1012


async def test_a_drain_waits_for_the_acknowledgement_of_a_change(
    cluster: StartCluster,
    replicated: tuple[RedisServer, RedisServer],
    connect: Connect,
    room: str,
) -> None:
    master, replica = replicated
    workers = await cluster(1, redis=master, **WAIT | {"redis_wait_timeout": 20.0})
    ann = await connect(workers[0], "ann", room)
    (message,) = await said(ann, room, ["1"])
    target = {"roomId": room, "seq": message["seq"], "messageId": message["messageId"]}
    with paused(replica.pid):
        deleting = asyncio.create_task(ann.command("delete_message", **target))
        await ann.wait_for("message_deleted")
        workers[0].signal(signal.SIGTERM)
    assert (await deleting)["type"] == "ack"
    assert (await ann.wait_closed()).code == 1012


@pytest.mark.slow
@pytest.mark.chaos
async def test_what_was_acknowledged_survives_a_master_that_dies_at_once(
    cluster: StartCluster, sentinels: Sentinels, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=sentinels.url, **{**WAIT, "redis_wait_timeout": 1.0})
    ann = await connect(workers[0], "ann", room)
    for number in range(200):
        await acknowledged(ann, room, str(number))
    sentinels.master.kill()
    ack = await _persist(ann, room, "after")
    assert ack["seq"] == 201
    await heard(ann, room, "after")
    assert contents(ann.messages(room)) == [*map(str, range(200)), "after"]


async def _persist(client: ChatClient, room: str, text: str) -> Event:
    """Insist; after the failover there is no second replica, so the message is never confirmed."""
    async with asyncio.timeout(40.0):
        while True:
            answer = await attempt(client, room, text)
            if answer.get("code") == "not_replicated":
                await heard(client, room, text)
                return client.messages(room)[-1]
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.chaos
async def test_every_shard_of_a_cluster_confirms_for_itself(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(1, redis=redis_cluster.url, **WAIT)
    ann = await connect(workers[0], "ann")
    rooms = rooms_of_every_shard(redis_cluster)
    for room in rooms:
        await ann.join(room)
        await acknowledged(ann, room, "1")
    stopped = redis_cluster.replica_of(redis_cluster.master_of(rooms[0]))
    stopped.kill()
    assert (await attempt(ann, rooms[0], "2"))["code"] == "not_replicated"
    for room in rooms[1:]:
        await acknowledged(ann, room, "2")
