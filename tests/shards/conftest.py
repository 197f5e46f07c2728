"""A Redis Cluster and Sentinels for all tests of this folder, whole again after each."""

from collections.abc import Iterator

import pytest

from tests.integration.conftest import connect
from tests.support import processes
from tests.support.redis_cluster import RedisCluster
from tests.support.sentinels import Sentinels

__all__ = ["connect"]


@pytest.fixture(scope="package")
def shared_sentinels() -> Iterator[Sentinels]:
    """Servers that outlive a test, as it takes them seconds to find each other."""
    with Sentinels() as started:
        processes.session_pids.update(started.pids())
        yield started


@pytest.fixture
def sentinels(shared_sentinels: Sentinels) -> Iterator[Sentinels]:
    """A master with a replica, watched by three Sentinels; a test may kill the servers."""
    yield shared_sentinels
    shared_sentinels.heal()
    processes.session_pids.update(shared_sentinels.pids())


@pytest.fixture(scope="package")
def shared_cluster() -> Iterator[RedisCluster]:
    """Nodes that outlive a test, as it takes them seconds to find each other."""
    with RedisCluster() as started:
        processes.session_pids.update(started.pids())
        yield started


@pytest.fixture
def redis_cluster(shared_cluster: RedisCluster) -> Iterator[RedisCluster]:
    """Three masters, each with a replica; a test may kill nodes and move slots."""
    yield shared_cluster
    shared_cluster.heal()
    processes.session_pids.update(shared_cluster.pids())
