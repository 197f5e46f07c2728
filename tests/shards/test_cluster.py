"""A Redis Cluster: rooms on every shard, shards that go away, slots that move."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from chat.broker.slots import slot_of_tag
from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, insist, members_become, of_type, said, seqs
from tests.support import http
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.proxy import FaultProxy
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]
QUICK = {"lease_ttl": 3.0, "lease_interval": 1.0, "presence_grace": 1.0, **NO_LIMITS}
#: A slot that moves is waited for half as long: this machine may take longer than two seconds.
PATIENT = {**QUICK, "redis_timeout": 40.0}


async def test_rooms_of_every_shard_have_messages_presence_and_a_dead_worker_swept(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **QUICK)
    rooms = rooms_of_every_shard(redis_cluster, each=3)
    ann = await connect(workers[0], "ann")
    ben = await connect(workers[1], "ben")
    for room in rooms:
        for client in (ann, ben):
            assert (await client.join(room))["type"] == "room_joined"
        await said(ann, room, ["1", "2"])
        await said(ben, room, ["3"])
    for room in rooms:
        for client in (ann, ben):
            await heard(client, room, "3")
            assert contents(client.messages(room)) == ["1", "2", "3"]
        await members_become(ann, room, {"ann", "ben"})
    for node in redis_cluster.masters():
        assert int(node.run("DBSIZE")) > 0
    await workers[1].kill()
    for room in rooms:
        await members_become(ann, room, {"ann"})


async def test_a_shard_that_is_away_takes_its_rooms_along_and_no_others(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    patient = {**PATIENT, "redis_connect_timeout": 40.0}
    workers = await cluster(1, redis=redis_cluster.url, **patient)
    rooms = rooms_of_every_shard(redis_cluster)
    ann = await connect(workers[0], "ann")
    for room in rooms:
        await ann.join(room)
        await said(ann, room, ["1"])
    gone, *others = rooms
    dead = redis_cluster.master_of(gone)
    replica = redis_cluster.replica_of(dead)
    redis_cluster.forbid_failover(dead)
    await asyncio.to_thread(redis_cluster.wait_replicated)
    dead.kill()
    await until(lambda: _refused(ann.say(gone, "lost")))
    answer = await ann.say(gone, "lost")
    assert answer["code"] == "unavailable"
    assert "uncertain" not in answer
    for room in others:
        await said(ann, room, ["2", "3"])
    # Any other worker is no better off: this one stays in service for the rooms that go on.
    await until(lambda: _is_ready_but(workers, f"{dead.port} is away"), what="the reason")
    ben = await connect(workers[0], "ben")
    began_s = time.monotonic()
    assert (await ben.join(gone))["code"] == "unavailable"
    for room in others:
        assert (await ben.join(room))["type"] == "room_joined"
    assert time.monotonic() - began_s < 10.0  # nobody waits for the shard that is away
    replica.run("CONFIG", "SET", "cluster-replica-no-failover", "no")
    await insist(ann, gone, "back")
    await heard(ann, gone, "back")
    assert seqs(ann, gone) == [1, 2]
    await until(workers[0].ready)


async def _refused(saying: Awaitable[dict[str, object]]) -> bool:
    return (await saying)["type"] == "error"


async def _is_ready_but(workers: Cluster, part: str) -> bool:
    answer = await http.get(workers[0].ops_port, "/readyz")
    return answer.status == 200 and part in " ".join(orjson.loads(answer.body)["reasons"])


async def test_a_killed_master_is_replaced_by_its_replica(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **QUICK)
    rooms = rooms_of_every_shard(redis_cluster)
    ann = await connect(workers[0], "ann")
    ben = await connect(workers[1], "ben")
    for room in rooms:
        for client in (ann, ben):
            await client.join(room)
        await said(ann, room, ["1", "2"])
    gone, *others = rooms
    await asyncio.to_thread(redis_cluster.wait_replicated)
    redis_cluster.master_of(gone).kill()
    began_s = time.monotonic()
    for room in others:
        await said(ann, room, ["3"])
    ack = await insist(ann, gone, "3")
    print(f"acknowledged again {time.monotonic() - began_s:.2f} s after the master was killed")
    assert ack["seq"] == 3
    for room in rooms:
        for client in (ann, ben):
            await heard(client, room, "3")
            assert seqs(client, room) == [1, 2, 3]
            assert not of_type(client, "gap")
    await workers.wait_ready()
    await members_become(ann, gone, {"ann", "ben"})


async def test_a_lost_tail_in_one_shard_is_told_in_its_rooms_only(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **QUICK)
    rooms = rooms_of_every_shard(redis_cluster)
    ann = await connect(workers[0], "ann")
    ben = await connect(workers[1], "ben")
    for room in rooms:
        for client in (ann, ben):
            await client.join(room)
        await said(ann, room, ["1"])
    gone = rooms[0]
    await asyncio.to_thread(redis_cluster.wait_replicated)
    master = redis_cluster.master_of(gone)
    redis_cluster.cut_replication(master)
    (lost,) = await said(ann, gone, ["lost"])
    await heard(ben, gone, "lost")
    master.kill()
    ack = await insist(ann, gone, "new 2")
    assert (lost["seq"], ack["seq"]) == (2, 2)
    for client in (ann, ben):
        await heard(client, gone, "new 2")
        (gap,) = of_type(client, "gap")
        assert (gap["roomId"], gap["reason"], gap["fromSeq"]) == (gone, "reset", 1)
        assert (gap["previousEpoch"], gap["epoch"]) == (lost["epoch"], ack["epoch"])


async def test_slots_that_move_there_and_back_under_traffic_lose_nothing(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **PATIENT)
    room = rooms_of_every_shard(redis_cluster)[0]
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    home = redis_cluster.master_of(room)
    away = next(node for node in redis_cluster.masters() if node is not home)
    over = asyncio.Event()
    refusals: list[str] = []
    sent = 0

    async def chatter() -> None:
        nonlocal sent
        while not over.is_set():
            text = f"m{sent + 1}"
            while (answer := await ann.say(room, text, text))["type"] != "ack":
                refusals.append(answer["code"])
            sent += 1
            await asyncio.sleep(0.002)

    async def talk_goes_on() -> None:
        before = sent
        await asyncio.sleep(0.5)
        await until(lambda: sent > before + 2, what="messages between two moves")

    chatting = asyncio.create_task(chatter())
    for target in (away, home, away, home):
        await talk_goes_on()
        await asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.2)
    await talk_goes_on()
    over.set()
    await chatting
    await insist(ann, room, "last")
    await heard(ben, room, "last")
    expected = [*(f"m{number}" for number in range(1, sent + 1)), "last"]
    for client in (ann, ben):
        await heard(client, room, "last")
        assert contents(client.messages(room)) == expected
        assert not of_type(client, "gap")
    assert len({message["epoch"] for message in ben.messages(room)}) == 5
    print(f"{sent} messages, {len(refusals)} refusals")
    assert not refusals
    await members_become(ann, room, {"ann", "ben"})


async def test_messages_of_one_connection_keep_their_order_while_their_slot_moves(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    """With many messages under way, some with a client message id and some without."""
    # All that was held is stored at once, maybe before the worker hears the new shard.
    workers = await cluster(1, redis=redis_cluster.url, history_size=100_000, **PATIENT)
    room = rooms_of_every_shard(redis_cluster)[0]
    ann = await connect(workers[0], "ann", room)
    target = next(
        node for node in redis_cluster.masters() if node is not redis_cluster.master_of(room)
    )
    moving = asyncio.create_task(
        asyncio.to_thread(redis_cluster.move_slot, room, target, pause_s=0.3)
    )
    number = 0
    while not moving.done():
        for _ in range(20):
            number += 1
            await ann.send(
                type="chat_message",
                roomId=room,
                content=str(number),
                id=f"n{number}",
                **({"clientMessageId": f"c{number}"} if number % 2 else {}),
            )
        await asyncio.sleep(0.01)
    await moving
    await insist(ann, room, "last")
    await heard(ann, room, "last")
    stored = [int(text) for text in contents(ann.messages(room))[:-1]]
    assert stored == sorted(stored)
    refused = {event["id"] for event in of_type(ann, "error")}
    assert len(stored) + len(refused) == number
    print(f"{number} messages, {len(refused)} refused")


async def test_changes_of_one_connection_keep_their_order_while_their_slot_moves(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, history_size=100_000, **PATIENT)
    room = rooms_of_every_shard(redis_cluster)[0]
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    (message,) = await said(ann, room, ["0"])
    target = {"roomId": room, "seq": message["seq"], "messageId": message["messageId"]}
    home = redis_cluster.master_of(room)
    away = next(node for node in redis_cluster.masters() if node is not home)
    over = asyncio.Event()

    async def edit() -> int:
        number = 0
        while not over.is_set():
            number += 1
            named: dict[str, Any] = {"clientMessageId": f"c{number}"} if number % 2 else {}
            answer = await ann.command("edit_message", content=str(number), **target, **named)
            assert answer["type"] == "ack", answer
        return number

    editing = asyncio.create_task(edit())
    for node in (away, home):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(redis_cluster.move_slot, room, node, pause_s=0.2)
    await asyncio.sleep(0.3)
    over.set()
    edits = await editing
    await insist(ann, room, "last")
    await heard(ben, room, "last")
    seen = of_type(ben, "message_edited")
    assert len(seen) == edits
    for number, event in enumerate(seen, start=1):
        # What was read from history to fill a gap may be overtaken.
        assert event.get("content", str(number)) == str(number)
    assert not of_type(ben, "gap")
    page = await ben.command("history", roomId=room, after=0, limit=1)
    assert page["messages"][0]["content"] == str(edits)


async def test_a_migration_left_half_done_refuses_for_certain_and_others_go_on(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(1, redis=redis_cluster.url, redis_timeout=3.0, **QUICK)
    stuck, other, _ = rooms_of_every_shard(redis_cluster)
    ann = await connect(workers[0], "ann")
    for room in (stuck, other):
        await ann.join(room)
        await said(ann, room, ["1"])
    source = redis_cluster.master_of(stuck)
    target = redis_cluster.master_of(other)
    redis_cluster.begin_move(stuck, target)
    answer = await ann.say(stuck, "2", "only-2")
    assert answer["code"] == "unavailable"
    assert "uncertain" not in answer
    await said(ann, other, ["2"])
    for node in (source, target):
        node.run("CLUSTER", "SETSLOT", slot_of_tag(stuck), "STABLE")
    await insist(ann, stuck, "2")
    await heard(ann, stuck, "2")
    assert contents(ann.messages(stuck)) == ["1", "2"]


async def test_cut_pubsub_connections_of_all_shards_lose_nothing(
    cluster: StartCluster, redis_cluster: RedisCluster, connect: Connect
) -> None:
    workers = await cluster(2, redis=redis_cluster.url, **QUICK)
    rooms = rooms_of_every_shard(redis_cluster)
    ann = await connect(workers[0], "ann")
    ben = await connect(workers[1], "ben")
    for room in rooms:
        for client in (ann, ben):
            await client.join(room)
    for turn in range(4):
        killed: Counter[int] = Counter()
        await until(lambda: _have_cut_pubsub(redis_cluster, killed))  # noqa: B023
        for room in rooms:
            await said(ann, room, [f"{turn}-{number}" for number in range(20)])
    for room in rooms:
        await heard(ben, room, "3-19")
        assert seqs(ben, room) == list(range(1, 81))
    assert not of_type(ben, "gap")


def _have_cut_pubsub(redis_cluster: RedisCluster, killed: Counter[int]) -> bool:
    """Cut what is connected; return whether every shard has had a connection by now."""
    masters = redis_cluster.masters()
    for node in masters:
        killed[node.port] += int(node.run("CLIENT", "KILL", "TYPE", "pubsub"))
    return all(killed[node.port] for node in masters)


async def test_a_cluster_may_ask_for_a_password(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    with RedisCluster(replicas=0, password="a password") as protected:
        workers = await cluster(1, redis=protected.url, **QUICK)
        ann = await connect(workers[0], "ann", room)
        await said(ann, room, ["1"])
        await heard(ann, room, "1")


async def test_a_worker_that_is_deaf_to_one_shard_says_so_heals_itself_and_fills_the_gap(
    cluster: StartCluster, connect: Connect
) -> None:
    probing = {"redis_probe_interval": 0.2, "redis_probe_timeout": 1.0, **QUICK}
    async with AsyncExitStack() as stack:
        proxied = RedisCluster(replicas=0)
        stack.callback(proxied.close)
        proxies = []
        for node in proxied.nodes:
            proxies.append(await stack.enter_async_context(FaultProxy(node.port)))
            node.configure(cluster_announce_port=str(proxies[-1].port))
        await asyncio.to_thread(proxied.start)
        workers = await cluster(1, redis=proxied.url, **probing)
        rooms = rooms_of_every_shard(proxied)
        ann = await connect(workers[0], "ann")
        for room in rooms:
            await ann.join(room)
            await said(ann, room, ["1"])
            await heard(ann, room, "1")
        deaf, *hearing = rooms
        master = proxied.master_of(deaf)
        proxy = proxies[proxied.nodes.index(master)]
        held = {link for link in proxy.links if link.is_pubsub}
        assert held
        # A new connection hears nothing either until the worker has been seen to say that it is
        # deaf, which is a moment else.
        proxy.black_hole(lambda link: link.is_pubsub)
        for room in rooms:
            await said(ann, room, ["2"])
        for room in hearing:
            await heard(ann, room, "2")
        assert contents(ann.messages(deaf)) == ["1"]
        await until(lambda: _is_ready_but(workers, f"come back from the shard {_address(proxy)}"))
        await proxy.heal()
        proxy.black_hole(lambda link: link in held)
        await heard(ann, deaf, "2")
        assert seqs(ann, deaf) == [1, 2]


def _address(proxy: FaultProxy) -> str:
    return f"127.0.0.1:{proxy.port}"
