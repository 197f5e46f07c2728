"""A master behind Sentinels: found, followed when it changes, and honest about what got lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, insist, members_become, of_type, said, seqs
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.processes import paused
from tests.support.sentinels import Sentinels

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

StartCluster = Callable[..., Awaitable[Cluster]]
#: A hung master is noticed by `+switch-master`, not by the age of a command.
PATIENT = {"redis_timeout": 30.0, **NO_LIMITS}


async def test_a_killed_master_is_replaced_and_nothing_replicated_is_lost(
    cluster: StartCluster, sentinels: Sentinels, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=sentinels.url, **PATIENT)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1", "2"])
    await heard(ben, room, "2")
    old_epoch = ben.messages(room)[-1]["epoch"]
    await asyncio.to_thread(sentinels.wait_replicated)
    sentinels.master.kill()
    began_s = time.monotonic()
    ack = await insist(ann, room, "3")
    print(f"acknowledged again {time.monotonic() - began_s:.2f} s after the master was killed")
    assert (ack["seq"], ack["epoch"] != old_epoch) == (3, True)
    for client in (ann, ben):
        await heard(client, room, "3")
        assert seqs(client, room) == [1, 2, 3]
        assert not of_type(client, "gap")
    await workers.wait_ready()
    await members_become(ann, room, {"ann", "ben"})


async def test_a_hung_master_is_left_as_soon_as_the_sentinels_have_switched(
    cluster: StartCluster, sentinels: Sentinels, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=sentinels.url, **PATIENT)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1"])
    await heard(ben, room, "1")
    hung = sentinels.master
    began_s = time.monotonic()
    with paused(hung.pid):
        answer = await ann.command(
            "chat_message", roomId=room, content="2", clientMessageId="only-2", timeout_s=30.0
        )
        assert (answer["code"], answer["uncertain"]) == ("unavailable", True)
        await insist(ann, room, "2")
        print(f"acknowledged again {time.monotonic() - began_s:.2f} s after the master hung")
        await heard(ben, room, "2")
    await insist(ann, room, "3")
    await heard(ben, room, "3")
    assert contents(ben.messages(room)) == ["1", "2", "3"]


async def test_a_lost_tail_changes_the_epoch_and_who_saw_it_is_told(
    cluster: StartCluster, sentinels: Sentinels, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=sentinels.url, **PATIENT)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1", "2"])
    await asyncio.to_thread(sentinels.wait_replicated)
    sentinels.cut_replication()
    lost = (await said(ann, room, ["lost"]))[0]
    await heard(ben, room, "lost")
    sentinels.master.kill()
    ack = await insist(ann, room, "new 3")
    assert (lost["seq"], ack["seq"]) == (3, 3)
    assert lost["epoch"] != ack["epoch"]
    for client in (ann, ben):
        await heard(client, room, "new 3")
        (gap,) = of_type(client, "gap")
        assert (gap["reason"], gap["fromSeq"]) == ("reset", 2)
        assert (gap["previousEpoch"], gap["epoch"]) == (lost["epoch"], ack["epoch"])


async def test_a_planned_failover_while_writers_wait_loses_nothing(
    cluster: StartCluster, sentinels: Sentinels, connect: Connect, room: str
) -> None:
    workers = await cluster(2, redis=sentinels.url, **PATIENT)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    await said(ann, room, ["1"])
    former = sentinels.master
    sentinels.fail_over(pause_s=5.0)
    sent = 1
    while sentinels.master is former or sent < 20:
        sent += 1
        await insist(ann, room, str(sent))
    await insist(ann, room, "last")
    await heard(ben, room, "last")
    assert contents(ben.messages(room)) == [*map(str, range(1, sent + 1)), "last"]
    assert not of_type(ben, "gap")
