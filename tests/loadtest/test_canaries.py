"""Canaries: what the clients of the Python SDK see beside the many, and what is made of it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from chat.client import ChatMessage, Gap
from loadtest.agent.tokens import Signed
from loadtest.canaries.checks import checks, doubts
from loadtest.canaries.flock import Flock
from loadtest.canaries.orders import Job
from loadtest.canaries.tally import Tally
from loadtest.canaries.words import lines
from loadtest.control import Phase, Target
from loadtest.results import CanaryFacts
from loadtest.scenario import (
    Canaries,
    Connections,
    Rooms,
    Scenario,
    Storm,
    Thresholds,
    Traffic,
    load,
)
from tests.loadtest.running import PATIENT, SMALL, Start, alive
from tests.loadtest.tls import Certificate, tls_in_front_of
from tests.support import processes
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import SECRET
from tests.support.waiting import until

#: Enough of them that a short hold has some, whatever chance says.
THREE = ("--canaries", "3", "--set", "canaries.messages_per_s=5")
Clusters = Callable[..., Awaitable[Cluster]]

pytestmark = pytest.mark.timeout(240)

SCENARIO = Scenario(
    title="a test",
    connections=Connections(count=4),
    rooms=Rooms(shape="one"),
    canaries=Canaries(count=3, messages_per_s=20.0),
)
GOOD = CanaryFacts(
    clients=3,
    rooms=2,
    away=0,
    published=9,
    acknowledged=9,
    received=27,
    lost=0,
    duplicated=0,
    out_of_order=0,
    gaps=0,
    reconnects=0,
    rejoined=0,
    cpu_s=0.1,
    rss_kib=40_000,
)


class Position:
    """Where somebody is in a room."""

    def __init__(self) -> None:
        self.number, self.epoch, self.seq = 0, "e", 10


def message(seq: int, content: str = "Hello!") -> ChatMessage:
    return ChatMessage(
        room_id="r", epoch="e", seq=seq, user_id="u", timestamp=1, message_id="m", content=content
    )


# --------------------------------------------------------------------- against workers


@asynccontextmanager
async def flock(target: Target, scenario: Scenario) -> AsyncIterator[Flock]:
    """Canaries that have begun to talk, in the hold."""
    job = Job(scenario=scenario, target=target, seed=1)
    tokens = Signed(SECRET.encode(), "load-*", 60.0, {})
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        made = Flock(job, tokens, tasks, stack)
        await made.prepare()
        now_ns = time.monotonic_ns()
        made.start(now_ns)
        await until(lambda: made.inside == scenario.canaries.count, 40.0, what="all in their rooms")
        now_ns = time.monotonic_ns()
        made.begin(Phase(name="warm_up", at_ns=now_ns))
        made.begin(Phase(name="hold", at_ns=now_ns))
        yield made


def at(cluster: Cluster) -> Target:
    return Target(url=cluster.urls[0])


async def end(canaries: Flock, **heads: int) -> CanaryFacts:
    canaries.begin(Phase(name="drain", at_ns=time.monotonic_ns()))
    return await canaries.finish(heads, 40.0)


async def seen(canaries: Flock, what: Callable[[Tally], bool]) -> None:
    """Wait until something has happened to them."""
    await until(lambda: what(canaries._tally), 40.0, what="what the canaries are to see")


async def test_canaries_see_everything_once_and_in_order(cluster: Clusters) -> None:
    async with flock(at(await cluster(1, **NO_LIMITS)), SCENARIO) as canaries:
        await seen(canaries, lambda tally: tally.acknowledged > 10)
        found = await end(canaries)

    assert found.published == found.acknowledged > 10
    assert found.received == 3 * found.published
    assert (found.lost, found.duplicated, found.out_of_order, found.gaps) == (0, 0, 0, 0)
    assert (found.away, found.reconnects, found.rejoined, found.failed) == (0, 0, 0, {})
    assert found.latency["ack"].samples == found.acknowledged
    assert found.latency["delivery"].samples == found.received
    assert found.latency["connect"].samples == 3


async def test_a_storm_cuts_canaries_and_the_sdk_mends_it(cluster: Clusters) -> None:
    scenario = structs.replace(SCENARIO, storm=Storm(at_s=0.5))
    async with flock(at(await cluster(1, **NO_LIMITS)), scenario) as canaries:
        await seen(canaries, lambda tally: tally.reconnects == 3)
        await seen(canaries, lambda tally: "storm_ack" in tally.latency())
        found = await end(canaries)

    assert found.reconnects == 3
    assert sum(found.endings.values()) == 3
    assert found.away == found.lost == found.duplicated == found.out_of_order == found.gaps == 0
    assert found.published == found.acknowledged
    assert found.latency["offline"].samples == 3
    assert found.latency["storm_ack"].samples > 0


async def test_tls_goes_through_the_cable_and_is_verified(
    cluster: Clusters, certificate: Certificate
) -> None:
    scenario = structs.replace(SCENARIO, storm=Storm(at_s=0.3))
    (worker,) = (await cluster(1, **NO_LIMITS)).workers
    async with tls_in_front_of(worker.port, certificate) as url:
        target = Target(url=url, ca_file=str(certificate.authority))
        async with flock(target, scenario) as canaries:
            await seen(canaries, lambda tally: tally.reconnects == 3)
            found = await end(canaries)

    assert found.reconnects == 3
    assert found.published == found.acknowledged
    assert found.away == found.lost == found.duplicated == found.out_of_order == 0


async def test_canaries_leave_and_join_as_often_as_the_others_and_miss_nothing(
    cluster: Clusters,
) -> None:
    scenario = structs.replace(SCENARIO, traffic=Traffic(churn_per_s=12.0))
    async with flock(at(await cluster(1, **NO_LIMITS)), scenario) as canaries:
        await seen(canaries, lambda tally: tally.rejoined > 0)
        found = await end(canaries)

    assert found.rejoined > 0
    assert found.published == found.acknowledged
    assert found.lost == found.duplicated == found.out_of_order == found.reconnects == 0


async def test_a_worker_that_is_replaced_is_seen_as_a_reconnect(cluster: Clusters) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with flock(at(workers), SCENARIO) as canaries:
        await seen(canaries, lambda tally: tally.acknowledged > 0)
        await workers[0].restart()
        await seen(canaries, lambda tally: tally.reconnects >= 3)
        found = await end(canaries)

    assert found.reconnects >= 3
    assert found.away == found.lost == found.duplicated == found.out_of_order == 0
    assert found.published == found.acknowledged


async def test_what_was_acknowledged_to_others_and_never_came_is_lost(cluster: Clusters) -> None:
    async with flock(at(await cluster(1, **NO_LIMITS)), SCENARIO) as canaries:
        await asyncio.sleep(0.3)
        canaries.begin(Phase(name="drain", at_ns=time.monotonic_ns()))
        found = await canaries.finish({"load-0": 1_000_000}, 0.5)

    assert found.lost > 900_000


# ------------------------------------------------------------------------------- judged


def test_holes_repetitions_and_gaps_are_counted() -> None:
    tally, position = Tally(64), Position()
    for seq in (11, 12, 12, 15, 14, 16):
        tally.event(position, message(seq), 0)
    gap = Gap(room_id="r", reason="trimmed", epoch="e", from_seq=17, to_seq=20)
    tally.gap(position, gap)
    tally.event(position, message(21), 0)

    assert (tally.lost, tally.duplicated, tally.out_of_order, tally.gaps) == (1, 1, 1, 1)


def test_latency_counts_from_when_a_message_was_due_and_only_in_the_hold() -> None:
    tally, position = Tally(64), Position()
    tally.phases.hold_ns, tally.phases.storm_ns = 1_000, 2_000
    for seq, due_ns in ((11, 500), (12, 1_500), (13, 2_500)):
        content = tally.content(due_ns)
        assert len(content) == 64
        assert not content.startswith("T"), "agents do not take it for theirs"
        tally.event(position, message(seq, content), due_ns + 5_000_000)

    assert {kind: found.samples for kind, found in tally.latency().items()} == {
        "delivery": 1,
        "storm_delivery": 1,
    }


def failed(found: CanaryFacts | None, **limits: Any) -> set[str]:
    scenario = structs.replace(SCENARIO, thresholds=Thresholds(**limits))
    return {check.name for check in checks(scenario, found) if not check.passed}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, set()),
        ({"lost": 1}, {"canary_lost"}),
        ({"duplicated": 1}, {"canary_duplicated"}),
        ({"out_of_order": 1}, {"canary_out_of_order"}),
        ({"acknowledged": 8}, {"canary_unanswered"}),
        ({"away": 1}, {"canaries_away"}),
    ],
)
def test_what_a_canary_should_not_see_fails_the_test(
    changes: dict[str, Any], names: set[str]
) -> None:
    assert failed(structs.replace(GOOD, **changes)) == names


def test_canaries_without_a_last_word_fail_the_test_and_none_are_no_check() -> None:
    assert failed(None) == {"canaries_away"}
    assert checks(structs.replace(SCENARIO, canaries=Canaries()), None) == []


def test_a_limit_that_was_not_measured_is_missed_but_nobody_has_to_be_offline() -> None:
    limits = {"canary_ack_p99_ms": 1.0, "canary_delivery_p99_ms": 1.0, "canary_offline_s": 1.0}

    assert failed(GOOD, **limits) == {"canary_ack_p99_ms", "canary_delivery_p99_ms"}


def test_canaries_that_fill_a_core_cast_doubt_on_their_figures() -> None:
    assert doubts(GOOD, 10.0) == doubts(None, 10.0) == []
    assert "90% of a core" in doubts(structs.replace(GOOD, cpu_s=9.0), 10.0)[0]


def test_the_summary_says_why_connections_ended() -> None:
    found = structs.replace(GOOD, endings={"the connection was lost": 2})

    assert "  endings         2 the connection was lost" in list(lines(found))


@pytest.mark.parametrize("name", ["reconnect-storm", "churn", "soak"])
def test_scenarios_about_coming_back_have_canaries(name: str) -> None:
    assert load(name).canaries.count == 4


# -------------------------------------------------------------------------- whole tests


@pytest.mark.slow
async def test_canaries_stand_apart_in_results_summary_and_report(load_test: Start) -> None:
    limit = ("--set", "thresholds.canary_ack_p99_ms=20000")
    run = await load_test("chat-mix", *SMALL, *PATIENT, *limit, *THREE)

    assert await run.end() == 0, run.said
    found = run.results.canaries
    assert found is not None
    assert found.clients == 3
    assert found.published == found.acknowledged
    assert found.received > found.published, "the agents' messages too"
    assert run.results.totals.opened == 60, "without them"
    assert "Canaries (Python SDK): 3 in" in run.said
    assert "passed  Ack p99 of canaries" in run.said
    assert "3 clients of the Python SDK" in (run.out / "report.html").read_text()


@pytest.mark.slow
async def test_a_canary_that_misses_its_threshold_fails_the_test(load_test: Start) -> None:
    limit = ("--set", "thresholds.canary_delivery_p99_ms=0.001")
    run = await load_test("chat-mix", *SMALL, *PATIENT, *limit, *THREE)

    assert await run.end() == 1, run.said
    missed = [check.name for check in run.results.checks if not check.passed]
    assert missed == ["canary_delivery_p99_ms"]


@pytest.mark.slow
async def test_canaries_that_are_killed_fail_the_test(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL[:-2], *PATIENT, "--agents", "1", "--canaries", "2")
    await run.until_phase("hold")
    for pid in run.agents():
        if "loadtest.canaries" in processes.command_line(pid):
            os.kill(pid, signal.SIGKILL)

    assert await run.end() == 1, run.said
    assert "Canaries without a last word" in run.said


@pytest.mark.slow
async def test_canaries_end_when_their_coordinator_is_killed(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--hold", "120", "--canaries", "2")
    await run.until_phase("hold")
    pids = run.agents()
    assert len(pids) == 3

    run.process.kill()
    await run.end()

    await until(lambda: not any(map(alive, pids)), 40.0, what="no process left")
