"""Real workers, real Redis, real faults: what clients see keeps every promise.

Each fault is tried alone for a few seconds, and then all of them in a random order. A failure
names its seed and the file with the recorded history.
"""

import asyncio

import pytest

from tests.checker.history import History
from tests.checker.nemesis import Harm, Nemesis, all_of
from tests.checker.setting import SEED, SETTINGS, nemesis_of
from tests.checker.verdict import Report, run
from tests.checker.workload import Plan
from tests.support.cluster import Supervised
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(300)]


async def verdict_on(redis: RedisServer, harm: Harm) -> Report:
    """Run the usual workload on two workers while harm is done."""
    async with nemesis_of(redis) as nemesis:
        return await run(nemesis, harm, Plan(seed=SEED))


async def test_clients_that_come_and_go_lose_nothing(fresh_redis: RedisServer) -> None:
    async def no_harm(nemesis: Nemesis) -> None:
        del nemesis

    report = await verdict_on(fresh_redis, no_harm)
    report.require(acked=30, changed=10, received=200, reconnects=1)


@pytest.mark.parametrize(
    "harm",
    [
        Nemesis.kill_worker,
        Nemesis.pause_worker,
        Nemesis.cut_pubsub,
        Nemesis.cut_normal,
        Nemesis.black_hole_pubsub,
        Nemesis.black_hole_redis,
        Nemesis.restart_redis,
        Nemesis.kill_redis,
    ],
    ids=lambda harm: harm.__name__,
)
async def test_a_fault_loses_no_acknowledged_message(fresh_redis: RedisServer, harm: Harm) -> None:
    report = await verdict_on(fresh_redis, harm)
    report.require(acked=30, changed=10, received=200, reconnects=1, faults=1)
    assert report.counts["resets"] == 0, f"Redis lost nothing: {report.text()}"
    assert report.counts["trims"] == 0, f"history is longer than the run: {report.text()}"


@pytest.mark.parametrize(
    "harm",
    [
        Nemesis.kill_worker,
        Nemesis.pause_worker,
        Nemesis.cut_normal,
        Nemesis.black_hole_pubsub,
        Nemesis.restart_redis,
        Nemesis.kill_redis,
    ],
    ids=lambda harm: harm.__name__,
)
async def test_programs_on_the_library_see_every_acknowledged_message_once(
    fresh_redis: RedisServer, harm: Harm
) -> None:
    """Half of the users, those that lose their connections all the time too, are `chat.client`."""
    async with nemesis_of(fresh_redis) as nemesis:
        report = await run(nemesis, harm, Plan(seed=SEED, sdk=5))
    report.require(acked=30, changed=10, received=200, reconnects=1, faults=1)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()


async def test_programs_on_the_library_are_told_of_a_flushed_redis(
    fresh_redis: RedisServer,
) -> None:
    async with nemesis_of(fresh_redis) as nemesis:
        report = await run(nemesis, Nemesis.flush, Plan(seed=SEED, sdk=5))
    report.require(acked=30, received=200, faults=1, resets=10)


async def test_programs_on_the_library_follow_replaced_workers(fresh_redis: RedisServer) -> None:
    async with Supervised(fresh_redis, 2, **SETTINGS) as cluster:
        nemesis = Nemesis(cluster, fresh_redis, History(), seed=SEED)
        report = await run(nemesis, Nemesis.replace_workers, Plan(seed=SEED, sdk=10))
    report.require(acked=30, received=200, reconnects=10, faults=1)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()


async def test_a_flushed_redis_is_told_to_every_client(fresh_redis: RedisServer) -> None:
    report = await verdict_on(fresh_redis, Nemesis.flush)
    report.require(acked=30, received=200, faults=1, resets=10)


async def test_replaced_workers_lose_nothing(fresh_redis: RedisServer) -> None:
    async with Supervised(fresh_redis, 2, **SETTINGS) as cluster:
        nemesis = Nemesis(cluster, fresh_redis, History(), seed=SEED)
        report = await run(nemesis, Nemesis.replace_workers, Plan(seed=SEED))
    report.require(acked=30, received=200, reconnects=10, faults=1)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()


async def test_all_faults_together_lose_no_acknowledged_message(fresh_redis: RedisServer) -> None:
    faults: list[Harm] = [
        Nemesis.kill_worker,
        Nemesis.pause_worker,
        Nemesis.cut_pubsub,
        Nemesis.cut_normal,
        Nemesis.black_hole_pubsub,
        Nemesis.restart_redis,
        Nemesis.kill_redis,
        Nemesis.kill_worker,
    ]
    report = await verdict_on(fresh_redis, all_of(faults, SEED))
    report.require(acked=100, changed=30, received=1000, reconnects=5, faults=8)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()


async def test_a_short_history_tells_who_was_away_too_long(fresh_redis: RedisServer) -> None:
    """With room for five messages a client that was away gets an honest gap, and no hole."""

    async def a_while(nemesis: Nemesis) -> None:
        del nemesis
        await asyncio.sleep(6.0)

    cap = 5
    async with nemesis_of(fresh_redis, history_size=cap) as nemesis:
        plan = Plan(seed=SEED, flappers=5, away_s=0.5)
        report = await run(nemesis, a_while, plan, history_cap=cap)
    report.require(acked=100, reconnects=3, trims=1)
