"""Something that is broken on purpose has a few runs in which to be found out.

Whether a message is under way in the moment of the harm is a matter of chance.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.checker.setting import SEED
from tests.checker.verdict import Report
from tests.support.redis_server import RedisServer

RUNS = 3


async def found_out(
    redis: RedisServer, rules: set[str], attempt: Callable[[int], Awaitable[Report]]
) -> None:
    """Fail unless one of the runs breaks all of these rules.

    Args:
        redis: emptied between the runs.
        rules: their names, like `R2`.
        attempt: runs with a seed.
    """
    said = ""
    for seed in range(SEED, SEED + RUNS):
        report = await attempt(seed)
        if rules <= report.rules_broken():
            return
        said = report.text()
        redis.run("FLUSHALL")
    pytest.fail(said)
