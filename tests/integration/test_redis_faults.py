"""Redis goes away, comes back, forgets, goes deaf: connections live, and nothing is hidden."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import (
    contents,
    heard,
    insist,
    members_become,
    of_type,
    said,
    seqs,
)
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.processes import paused
from tests.support.proxy import FaultProxy
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]
FAST = {"redis_probe_interval": 0.2, "redis_probe_timeout": 0.6, "head_check_interval": 1.0}


async def test_a_flush_is_told_as_a_reset_and_messages_flow_on(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, lease_ttl=2.0, lease_interval=0.5, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1", "2", "3"])
    await heard(ben, room, "3")
    old_epoch = ben.messages(room)[0]["epoch"]
    fresh_redis.run("FLUSHALL")
    ack = await ann.say(room, "after")
    assert ack["type"] == "ack"
    assert (ack["epoch"] != old_epoch, ack["seq"]) == (True, 1)
    for client in (ann, ben):
        await heard(client, room, "after")
        (gap,) = of_type(client, "gap")
        assert (gap["reason"], gap["fromSeq"], gap["previousEpoch"]) == ("reset", 0, old_epoch)
        assert gap["epoch"] == client.messages(room)[-1]["epoch"] == ack["epoch"]
    await members_become(ann, room, {"ann", "ben"})


async def test_a_flush_of_a_quiet_room_is_noticed_without_a_message(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, head_check_interval=1.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    await said(ann, room, ["1"])
    await heard(ann, room, "1")
    fresh_redis.run("FLUSHALL")
    assert (await ann.wait_for("gap", 30.0))["reason"] == "reset"


@pytest.mark.slow
async def test_while_redis_is_stopped_publishes_fail_fast_and_connections_stay(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1"])
    await heard(ben, room, "1")
    fresh_redis.stop()

    async def refused() -> bool:
        answer = await ann.say(room, "lost", "m-lost")
        return bool(answer["type"] == "error")

    await until(refused)
    answer = await ann.say(room, "lost", "m-lost-too")
    assert answer["code"] == "unavailable"
    assert answer["roomId"] == room
    assert answer["retryAfterMs"] > 0
    assert "uncertain" not in answer  # it was not even sent
    assert (await ann.command("ping"))["type"] == "pong"
    assert (await ann.command("join_room", roomId="elsewhere"))["code"] == "unavailable"
    await until(lambda: _reasons_of(workers))
    fresh_redis.start()
    await insist(ann, room, "back")
    for client in (ann, ben):
        await heard(client, room, "back")
        assert not of_type(client, "gap")
    assert "lost" not in contents(ben.messages(room))
    await workers.wait_ready()
    await members_become(ann, room, {"ann", "ben"})


async def _reasons_of(workers: Cluster) -> bool:
    answer = await http.get(workers[0].ops_port, "/readyz")
    return answer.status == 503 and "Redis is away" in answer.body


async def test_a_restart_with_all_data_changes_the_epoch_without_a_gap(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1", "2"])
    await heard(ben, room, "2")
    before = ben.position(room)
    fresh_redis.restart()
    await insist(ann, room, "3")
    for client in (ann, ben):
        await heard(client, room, "3")
        assert not of_type(client, "gap")
        assert seqs(client, room) == [1, 2, 3]
    epochs = [message["epoch"] for message in ben.messages(room)]
    assert epochs[0] == epochs[1] != epochs[2]
    late = await connect(workers[0], "cleo")
    assert (await late.join(room, before))["recovered"] is True
    await heard(late, room, "3")
    assert contents(late.messages(room)) == ["3"]


async def test_a_restart_that_lost_the_tail_says_from_where_on(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    await said(ann, room, ["1", "2"])
    fresh_redis.run("BGREWRITEAOF")
    await until(lambda: _is_rewritten(fresh_redis))
    fresh_redis.run("CONFIG", "SET", "appendonly", "no")  # from here on nothing is kept
    await said(ann, room, ["3", "4"])
    await heard(ann, room, "4")
    old_epoch = ann.messages(room)[-1]["epoch"]
    fresh_redis.restart(kill=True)
    ack = await insist(ann, room, "new 3")
    assert ack["seq"] == 3
    await heard(ann, room, "new 3")
    (gap,) = of_type(ann, "gap")
    assert (gap["reason"], gap["fromSeq"], gap["toSeq"]) == ("reset", 2, 2)
    assert (gap["previousEpoch"], gap["epoch"]) == (old_epoch, ack["epoch"])
    assert contents(ann.messages(room)) == ["1", "2", "3", "4", "new 3"]


def _is_rewritten(redis: RedisServer) -> bool:
    with redis.connect() as client:
        info = client.info("persistence")
    return not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])


async def test_killing_the_pubsub_connections_during_traffic_loses_no_message(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    readers = [await connect(workers[n % 2], f"reader{n}", room) for n in range(4)]
    writer = await connect(workers[0], "writer", room)
    sent = killed = 0
    for _ in range(8):
        killed += fresh_redis.run("CLIENT", "KILL", "TYPE", "pubsub")
        for _ in range(25):
            sent += 1
            await said(writer, room, [str(sent)])
    assert killed >= 2
    for reader in readers:
        await heard(reader, room, str(sent))
        assert seqs(reader, room) == list(range(1, sent + 1))
        assert not of_type(reader, "gap")


async def test_a_killed_command_connection_loses_no_acknowledged_message(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    for n in range(40):
        if n % 10 == 5:
            fresh_redis.run("CLIENT", "KILL", "TYPE", "normal")
        await insist(ann, room, str(n))
    await heard(ben, room, "39")
    assert contents(ben.messages(room)) == [str(n) for n in range(40)]
    assert not of_type(ben, "gap")


async def test_scripts_that_redis_forgot_are_sent_again(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    fresh_redis.run("SCRIPT", "FLUSH")
    await said(ann, room, ["1"])
    await heard(ann, room, "1")


async def test_messages_of_one_connection_keep_their_order_when_redis_forgets_the_scripts(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    for number in range(600):
        if number % 300 == 150:
            await asyncio.to_thread(fresh_redis.run, "SCRIPT", "FLUSH")
        await ann.send(type="chat_message", roomId=room, content=str(number), id=f"n{number}")
    await heard(ann, room, "599")
    assert contents(ann.messages(room)) == [str(number) for number in range(600)]
    assert not of_type(ann, "error")


async def test_a_deaf_worker_turns_unready_heals_itself_and_fills_what_it_missed(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    async with FaultProxy(fresh_redis.port) as proxy:
        deaf = await cluster(1, redis=proxy.redis_url, **FAST, **NO_LIMITS)
        hearing = await cluster(1, redis=fresh_redis, **NO_LIMITS)
        ann = await connect(deaf[0], "ann", room)
        ben = await connect(hearing[0], "ben", room)
        held = {link for link in proxy.links if link.is_pubsub}
        assert held

        # As after a firewall forgot the connection: no error, no bytes. A new one hears nothing
        # either until the worker has been seen to say so, which is a moment else.
        proxy.black_hole(lambda link: link.is_pubsub)
        await said(ben, room, ["1", "2", "3"])
        await until(lambda: _is_deaf(deaf), what="a red /readyz")
        await proxy.heal()
        proxy.black_hole(lambda link: link in held)  # it heals itself, and not that one
        await deaf.wait_ready()
        await heard(ann, room, "3")
        await said(ann, room, ["4"])
        await heard(ann, room, "4")
        assert seqs(ann, room) == [1, 2, 3, 4]
        assert not of_type(ann, "gap")


async def _is_deaf(cluster: Cluster) -> bool:
    answer = await http.get(cluster[0].ops_port, "/readyz")
    return answer.status == 503 and ("deaf" in answer.body or "pub/sub" in answer.body)


async def test_a_command_connection_that_hangs_is_cut_and_clients_hear_that_it_is_uncertain(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    async with FaultProxy(fresh_redis.port) as proxy:
        workers = await cluster(1, redis=proxy.redis_url, redis_timeout=1.0, **NO_LIMITS)
        ann = await connect(workers[0], "ann", room)
        proxy.black_hole()
        answer = await ann.command(
            "chat_message", roomId=room, content="x", clientMessageId="m-1", timeout_s=30.0
        )
        assert (answer["code"], answer["uncertain"]) == ("unavailable", True)
        await proxy.heal()

        async def retried() -> bool:
            return bool((await ann.say(room, "x", "m-1"))["type"] == "ack")

        await until(retried, 30.0)
        await heard(ann, room, "x")
        await said(ann, room, ["y"])
        await heard(ann, room, "y")
        assert contents(ann.messages(room)) == ["x", "y"]


@pytest.mark.slow
async def test_nothing_acknowledged_is_missing_after_redis_was_away_under_load(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=fresh_redis, **NO_LIMITS)
    readers = [await connect(workers[n], f"reader{n}", room) for n in range(2)]
    writers = [await connect(workers[n], f"writer{n}", room) for n in range(2)]

    over = asyncio.Event()

    async def chatter(writer: ChatClient) -> list[str]:
        texts: list[str] = []
        while not over.is_set():
            texts.append(f"{writer.connected['userId']}-{len(texts)}")
            await insist(writer, room, texts[-1])
        return texts

    chatters = [asyncio.create_task(chatter(writer)) for writer in writers]
    for _ in range(3):
        count = len(readers[0].messages(room))
        await until(lambda: len(readers[0].messages(room)) > count + 20)  # noqa: B023
        await asyncio.to_thread(fresh_redis.restart)
    over.set()
    texts = [text for texts in await asyncio.gather(*chatters) for text in texts]
    for reader in readers:
        await until(lambda: len(reader.messages(room)) >= len(texts), 30.0)  # noqa: B023
        assert sorted(contents(reader.messages(room))) == sorted(texts)
        assert seqs(reader, room) == list(range(1, len(texts) + 1))
        assert not of_type(reader, "gap")


@pytest.mark.slow
async def test_a_member_whose_second_join_fails_is_sent_to_resume_instead_of_missing_messages(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    async with FaultProxy(fresh_redis.socket_path) as proxy:
        cut = await cluster(1, redis=proxy.redis_url, redis_timeout=1.0, **NO_LIMITS)
        well = await cluster(1, redis=fresh_redis, **NO_LIMITS)
        ann = await connect(cut[0], "ann", room)
        ben = await connect(well[0], "ben", room)
        await said(ben, room, ["1", "2", "3"])
        await heard(ann, room, "3")
        position = ann.position(room)
        assert position is not None
        proxy.black_hole(lambda link: not link.is_pubsub)
        again = asyncio.create_task(ann.join(room, (position[0], 0)))
        await said(ben, room, ["4", "5"])
        await asyncio.gather(again, return_exceptions=True)
        assert (await ann.wait_closed()).code == 4200


@pytest.mark.slow
async def test_a_redis_that_stands_still_longer_than_the_leases_makes_nobody_leave(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(3, redis=fresh_redis, lease_ttl=3.0, lease_interval=0.5, **NO_LIMITS)
    clients = [await connect(workers[n % 3], f"user{n}", room) for n in range(6)]
    await members_become(clients[0], room, {f"user{n}" for n in range(6)})
    with paused(fresh_redis.pid):
        await asyncio.sleep(3.5)  # the fault itself: longer than a lease
    await asyncio.gather(*(workers[n].wait_ready() for n in range(3)))
    await insist(clients[0], room, "still here")
    for client in clients:
        await heard(client, room, "still here")
    await asyncio.sleep(4.0)  # whatever was going to be swept has been
    await members_become(clients[0], room, {f"user{n}" for n in range(6)})
    assert not [event for client in clients for event in of_type(client, "user_left")]


@pytest.mark.slow
async def test_an_outage_with_many_messages_under_way_closes_nobody(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, redis_timeout=1.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    with paused(fresh_redis.pid):
        for number in range(40):
            await ann.send(type="chat_message", roomId=room, content="x", id=number)
        await until(lambda: len(of_type(ann, "error")) >= 40, 30.0)
    await workers[0].wait_ready()
    await insist(ann, room, "flows again")
