"""Clients of the JavaScript SDK chat while the cluster is harmed as tests/checker harms it.

Each of them is judged: what was acknowledged is in the history once, everyone saw the room's order
without hole or double, and nobody was told of a gap, as no fault here loses data.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.checker.history import History
from tests.checker.nemesis import Harm, Nemesis, all_of
from tests.checker.setting import SEED, SETTINGS, nemesis_of
from tests.clients.node import SDK, install, node
from tests.support.cluster import Supervised
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]

CLIENTS = 6
ROOMS = ("tea", "coffee")
CALM_S = 1.0
SETTLE_S = 95.0  # each of its two waits has 45 s


@asynccontextmanager
async def chatter(urls: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the clients in one node process; they are in their rooms when the context begins."""
    program = node()
    install()
    who = {"urls": urls, "secret": SECRET, "rooms": ROOMS, "clients": CLIENTS}
    process = await asyncio.create_subprocess_exec(
        program,
        "test/live/chatter.js",
        cwd=SDK,
        env=os.environ | {"CHATTER": json.dumps(who)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60.0):
            assert await process.stdout.readline() == b"talking\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def talk_through(nemesis: Nemesis, harm: Harm) -> dict[str, Any]:
    """Let the clients talk while harm is done; return what they tell in the end."""
    async with chatter(nemesis.cluster.urls) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        await asyncio.sleep(CALM_S)
        await harm(nemesis)
        await asyncio.sleep(CALM_S)
        process.stdin.write(b"stop\n")
        async with asyncio.timeout(SETTLE_S):
            told: dict[str, Any] = json.loads(await process.stdout.readline())
            await process.wait()
    return told


def judge(told: Mapping[str, Any]) -> Counter[str]:
    """Check every client against the others and the history; return what was counted."""
    counts: Counter[str] = Counter()
    order: dict[str, dict[int, str]] = {room: {} for room in ROOMS}
    for chatter in told["chatters"]:
        name = chatter["name"]
        assert chatter["failed"] == []
        assert chatter["gaps"] == 0
        counts["reconnects"] += chatter["connects"] - 1
        for room, events in chatter["seen"].items():
            first = events[0][0]
            assert [seq for seq, _ in events] == list(range(first, first + len(events))), name
            for seq, act in events:
                assert order[room].setdefault(seq, act) == act, f"{name} saw another {seq}"
            counts["seen"] += len(events)
            history = [message for message in told["history"][room] if message[0] >= first]
            assert chatter["shown"][room] == history, f"{name} in {room}"
    for chatter in told["chatters"]:
        for room, seq, act in chatter["acked"]:
            places = [there for there, other in order[room].items() if other == act]
            assert places == [seq], f"{act} of {chatter['name']} was acknowledged at {seq}"
            counts["acked"] += 1
    return counts


@pytest.mark.parametrize(
    "harm",
    [Nemesis.kill_worker, Nemesis.restart_redis, Nemesis.kill_redis, Nemesis.black_hole_redis],
    ids=lambda harm: harm.__name__,
)
async def test_a_fault_loses_and_doubles_nothing(fresh_redis: RedisServer, harm: Harm) -> None:
    async with nemesis_of(fresh_redis) as nemesis:
        counts = judge(await talk_through(nemesis, harm))
    assert counts["acked"] > 50, counts
    assert counts["seen"] > counts["acked"], counts
    if harm is Nemesis.kill_worker:
        assert counts["reconnects"] >= CLIENTS // 2, counts


async def test_all_faults_together_lose_and_double_nothing(fresh_redis: RedisServer) -> None:
    faults: list[Harm] = [
        Nemesis.kill_worker,
        Nemesis.restart_redis,
        Nemesis.pause_worker,
        Nemesis.cut_pubsub,
        Nemesis.cut_normal,
        Nemesis.kill_worker,
    ]
    async with nemesis_of(fresh_redis) as nemesis:
        counts = judge(await talk_through(nemesis, all_of(faults, SEED)))
    assert counts["acked"] > 200, counts
    assert counts["reconnects"] >= CLIENTS // 2, counts


async def test_workers_that_are_replaced_lose_and_double_nothing(
    fresh_redis: RedisServer,
) -> None:
    async with Supervised(fresh_redis, 2, **SETTINGS) as cluster:
        nemesis = Nemesis(cluster, fresh_redis, History(), seed=SEED)
        counts = judge(await talk_through(nemesis, Nemesis.replace_workers))
    assert counts["acked"] > 50, counts
    assert counts["reconnects"] >= CLIENTS, counts
