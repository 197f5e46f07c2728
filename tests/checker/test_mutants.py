"""The checker finds servers that are broken on purpose, each by the rule that it breaks."""

import asyncio
import sys

import pytest

from tests.checker.nemesis import Harm, Nemesis
from tests.checker.setting import nemesis_of
from tests.checker.suspicion import found_out
from tests.checker.verdict import Report, run
from tests.checker.workload import Plan
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(400)]


async def a_while(nemesis: Nemesis) -> None:
    """Some things break by themselves."""
    del nemesis
    await asyncio.sleep(3.0)


async def a_long_pause(nemesis: Nemesis) -> None:
    """Longer than clients wait: they retry elsewhere what the paused worker still holds."""
    await nemesis.pause_worker(7.0)


async def kill_all_workers(nemesis: Nemesis) -> None:
    """Every worker dies once, so that everyone has been a member under a lease that is dead."""
    for index in range(2):
        await nemesis.kill_worker(index)


@pytest.mark.parametrize(
    ("breakage", "harm", "rules"),
    [
        ("drops_messages", a_while, {"R2", "R5"}),
        ("swaps_messages", a_while, {"R5"}),
        ("stores_retries_again", a_long_pause, {"R4"}),
        ("acknowledges_before_the_write", a_while, {"R1"}),
        ("keeps_the_epoch", Nemesis.flush, {"R1"}),
        ("hides_gaps", Nemesis.flush, {"R5"}),
        ("resumes_too_short", a_while, {"R5"}),
        ("forgets_to_fold", a_while, {"R11"}),
        ("never_sweeps", kill_all_workers, {"R9"}),
        ("forgets_marks_that_wait", a_while, {"R12"}),
        ("moves_markers_back", a_while, {"R12"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_broken_server_is_found_out(
    fresh_redis: RedisServer, breakage: str, harm: Harm, rules: set[str]
) -> None:
    command = (sys.executable, "-m", "tests.checker.broken_worker", breakage)

    async def attempt(seed: int) -> Report:
        plan = Plan(seed=seed, flappers=4, away_s=0.3)
        async with nemesis_of(fresh_redis, command=command) as nemesis:
            return await run(nemesis, harm, plan, settle_s=5.0, presence_bound_s=12.0)

    await found_out(fresh_redis, rules, attempt)
