"""How a cluster is set up to be judged: short leases and probes, so that recovery fits a test."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.checker.history import History
from tests.checker.nemesis import Nemesis
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.proxy import FaultProxy
from tests.support.redis_server import RedisServer

SETTINGS: dict[str, Any] = {
    **NO_LIMITS,
    "history_size": 100_000,
    "lease_ttl": 3.0,
    "lease_interval": 1.0,
    "presence_grace": 1.0,
    "redis_timeout": 1.5,
    "redis_probe_interval": 0.5,
    "redis_probe_timeout": 1.5,
    "head_check_interval": 2.0,
    "drain_timeout": 3.0,
    "read_marker_interval": 0.5,
}

#: Of all random choices in a run; another one gives another run.
SEED = int(os.environ.get("CHECKER_SEED", "1"))


@asynccontextmanager
async def nemesis_of(
    redis: RedisServer,
    *,
    command: Sequence[str] = (sys.executable, "-m", "chat", "worker"),
    **settings: Any,
) -> AsyncIterator[Nemesis]:
    """Start two workers with a proxy between them and Redis."""
    async with (
        FaultProxy(redis.socket_path) as proxy,
        Cluster(proxy.redis_url, 2, command=command, **{**SETTINGS, **settings}) as cluster,
    ):
        yield Nemesis(cluster, redis, History(), proxy=proxy, seed=SEED)
