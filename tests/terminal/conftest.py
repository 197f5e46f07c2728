"""One worker and rooms for the tests of the terminal client."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def worker(redis_server: RedisServer) -> Iterator[Cluster]:
    """A cluster of one worker, shared by the tests of a module."""
    with shared(redis_server, 1) as made:
        yield made
