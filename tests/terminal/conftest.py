"""One worker and rooms for the tests of the terminal client."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def worker(redis_server: RedisServer) -> Iterator[Cluster]:
    """A cluster of one worker, shared by the tests of a module."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    settings: dict[str, Any] = {"redis_prefix": prefix, **NO_LIMITS}
    made = Cluster(redis_server, 1, **settings)
    with asyncio.Runner() as runner:
        runner.run(made.__aenter__())
        try:
            yield made
        finally:
            runner.run(made.close())


@pytest.fixture
def room() -> str:
    """A room no other test uses."""
    return f"room-{uuid.uuid4().hex[:8]}"
