"""Fixtures of all tests, and two promises: logs of a failed test are shown, no process is left."""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import logs, processes
from tests.support.cluster import Cluster
from tests.support.contract import CONTRACT
from tests.support.ports import unused_port as find_unused_port
from tests.support.redis_server import RedisServer

pytest_plugins = ("tests.support.frames_seen", "tests.support.side_by_side")

processes.adopt_orphans()
# How long an example takes, or its making, says how busy the machine is and nothing else.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def no_process_survives() -> Iterator[None]:
    """Fail the test that leaves a child process behind, and end that process."""
    before = processes.children_of(os.getpid())
    yield
    left = processes.end_survivors(before)
    logs.forget()
    assert not left, f"child processes survived the test: {left}"


@pytest.fixture(autouse=True)
def every_frame_keeps_the_contract() -> Iterator[None]:
    """Fail the test that exchanged a frame that docs/asyncapi.json does not allow."""
    yield
    breaches = CONTRACT.take_breaches()
    assert not breaches, "\n".join(["docs/asyncapi.json was broken:", *breaches])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the child processes to the report of a failed test."""
    report = yield
    if report.failed:
        report.sections += logs.sections()
    return report


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for all tests that do not disturb it; use `redis_prefix` to keep apart."""
    with RedisServer() as server:
        processes.session_pids.add(server.pid)
        yield server


@pytest.fixture
def redis_prefix() -> str:
    """A CHAT_REDIS_PREFIX that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def room() -> str:
    """A room no other test uses."""
    return f"room-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def fresh_redis() -> Iterator[RedisServer]:
    """A Redis of this test's own: to stop, kill, flush, with a TCP port too."""
    with RedisServer(tcp=True) as server:
        yield server


@pytest.fixture
def unused_port() -> int:
    """A loopback port nobody listens on."""
    return find_unused_port()


@pytest.fixture
async def cluster(
    redis_server: RedisServer, redis_prefix: str
) -> AsyncIterator[Callable[..., Awaitable[Cluster]]]:
    """Start clusters that end with the test: `await cluster(2, lease_ttl=2.0, …)`.

    The first argument is the number of workers, `redis` another server than the session's,
    everything else a setting.
    """
    async with AsyncExitStack() as stack:

        async def start(
            workers: int = 2, *, redis: RedisServer | str | None = None, **settings: Any
        ) -> Cluster:
            settings = {"redis_prefix": redis_prefix, **settings}
            made = Cluster(redis or redis_server, workers, **settings)
            return await stack.enter_async_context(made)

        yield start
