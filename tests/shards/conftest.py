"""A Redis Cluster and Sentinels of a test's own, and what integration tests connect with."""

from collections.abc import Iterator

import pytest

from tests.integration.conftest import connect, room
from tests.support.redis_cluster import RedisCluster
from tests.support.sentinels import Sentinels

__all__ = ["connect", "room"]


@pytest.fixture
def sentinels() -> Iterator[Sentinels]:
    """A master with a replica, watched by three Sentinels."""
    with Sentinels() as started:
        yield started


@pytest.fixture
def redis_cluster() -> Iterator[RedisCluster]:
    """Three masters, each with a replica."""
    with RedisCluster() as started:
        yield started


@pytest.fixture
def three_masters() -> Iterator[RedisCluster]:
    """Three masters without replicas: starts sooner."""
    with RedisCluster(replicas=0) as started:
        yield started
