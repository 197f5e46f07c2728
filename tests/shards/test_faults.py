"""The checker over several masters: what clients see keeps every promise whatever is killed."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.checker.history import History
from tests.checker.nemesis import Nemesis
from tests.checker.setting import SEED, SETTINGS
from tests.checker.verdict import Report, run
from tests.checker.workload import Plan
from tests.support.cluster import Cluster
from tests.support.processes import paused
from tests.support.redis_cluster import RedisCluster
from tests.support.sentinels import Sentinels
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(90)]

PLAN = Plan(seed=SEED, rooms=6, rooms_per_client=3)


@asynccontextmanager
async def nemesis_over(redis: RedisCluster | Sentinels, **settings: Any) -> AsyncIterator[Nemesis]:
    own = {"redis_prefix": f"t{uuid.uuid4().hex[:12]}"}
    async with Cluster(redis.url, 2, **{**SETTINGS, **own, **settings}) as cluster:
        server = redis.nodes[0] if isinstance(redis, RedisCluster) else redis.servers[0]
        yield Nemesis(cluster, server, History(), seed=SEED)


async def verdict_on(
    redis: RedisCluster | Sentinels, harm: Callable[[], Awaitable[None]], **settings: Any
) -> Report:
    async with nemesis_over(redis, **settings) as nemesis:

        async def do_harm(nemesis: Nemesis) -> None:
            async with nemesis.fault("over several masters"):
                await harm()

        return await run(nemesis, do_harm, PLAN, is_durable=False)


async def test_a_master_that_lost_its_tail_behind_sentinels(sentinels: Sentinels) -> None:
    async def harm() -> None:
        sentinels.cut_replication()
        await asyncio.sleep(1.0)
        former = sentinels.master
        await asyncio.to_thread(former.kill)
        await until(lambda: sentinels.master is not former, 40.0, what="another master")
        await asyncio.sleep(2.0)

    report = await verdict_on(sentinels, harm)
    report.require(acked=30, received=100, faults=1, resets=5)


async def test_a_killed_and_a_hung_master_of_a_cluster(redis_cluster: RedisCluster) -> None:
    async def harm() -> None:
        first, second, _ = redis_cluster.masters()
        await asyncio.to_thread(first.kill)
        await until(lambda: len(redis_cluster.masters()) == 3, 40.0, what="another master")
        await asyncio.sleep(1.0)
        await asyncio.to_thread(first.start)
        with paused(second.pid):
            await asyncio.sleep(4.0)
        await asyncio.sleep(1.0)

    report = await verdict_on(redis_cluster, harm)
    report.require(acked=30, received=100, faults=1)


async def test_slots_on_the_move_and_workers_that_die(redis_cluster: RedisCluster) -> None:
    rng = random.Random(SEED)

    async with nemesis_over(redis_cluster) as nemesis:

        async def harm(nemesis: Nemesis) -> None:
            for room in PLAN.room_names():
                others = [
                    node
                    for node in redis_cluster.masters()
                    if node is not redis_cluster.master_of(room)
                ]
                await asyncio.to_thread(
                    redis_cluster.move_slot, room, rng.choice(others), pause_s=0.1
                )
                await asyncio.sleep(0.2)
            await nemesis.kill_worker()

        report = await run(nemesis, harm, PLAN)
    report.require(acked=100, received=300, faults=1)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()
