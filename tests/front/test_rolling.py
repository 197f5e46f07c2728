"""A deploy at noon: all workers replaced and HAProxy reloaded under load, and nobody notices."""

import asyncio
import statistics

import pytest

from tests.checker.history import History
from tests.checker.nemesis import Nemesis
from tests.checker.setting import SEED, SETTINGS
from tests.checker.verdict import run
from tests.checker.workload import Plan
from tests.front.certificates import Certificates
from tests.front.fronted import Fronted
from tests.front.gaps import gaps
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]

PLAN = Plan(clients=24, rooms=6, bursts_per_s=3.0, flappers=0, seed=SEED)


async def test_workers_replaced_and_haproxy_reloaded_under_load_lose_nothing(
    fresh_redis: RedisServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))

    async def deploy(nemesis: Nemesis) -> None:
        async with asyncio.TaskGroup() as tasks:
            replacing = tasks.create_task(nemesis.replace_workers())
            await cluster.haproxy.reload()  # while the first worker drains
        await replacing
        await cluster.haproxy.reload()
        await nemesis.replace_workers()

    async with Fronted(fresh_redis, certificates, PLAN.room_names(), **SETTINGS) as cluster:
        nemesis = Nemesis(cluster, fresh_redis, History(), seed=SEED)
        report = await run(nemesis, deploy, PLAN)
        handshakes = cluster.handshakes()
    away = sorted(gaps(report.history))
    print(
        f"3 workers replaced twice, HAProxy reloaded twice, {PLAN.clients} clients: "
        f"{report.counts['acked']} acknowledged, {report.counts['received']} received, "
        f"{report.counts['reconnects']} reconnects; away {statistics.median(away):.2f} s as a "
        f"median, {away[-1]:.2f} s at most; handshakes by status: {handshakes}"
    )
    report.require(acked=500, received=2000, reconnects=PLAN.clients, faults=2)
    assert report.counts["resets"] + report.counts["trims"] == 0, report.text()
    assert set(handshakes) == {101}, "a client was shown that something is going on"
    # The server asks for up to 2 s of jitter; the rest is what this machine needs for a handshake.
    assert away[-1] < 15.0
