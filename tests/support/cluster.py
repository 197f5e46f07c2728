"""Clusters under test: worker processes side by side, or `chat up` with its own workers."""

import asyncio
import contextlib
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from tests.support import logs, processes
from tests.support.closing import Closing
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until
from tests.support.worker import READY_TIMEOUT_S, Process, SettingValue, Worker, wait_ready

__all__ = ["NO_LIMITS", "Cluster", "Supervised", "Worker", "token"]

#: Settings that take the rate limits out of the way of tests about something else.
NO_LIMITS: dict[str, SettingValue] = {
    "address_connects_per_s": 0,
    "connection_messages_per_s": 0,
    "connection_bytes_per_s": 0,
    "connection_joins_per_s": 0,
    "user_messages_per_s": 0,
    "user_bytes_per_s": 0,
    "user_joins_per_s": 0,
}


def _redis_url(redis: RedisServer | str) -> str:
    return redis if isinstance(redis, str) else redis.url


class Cluster(Closing):
    """Worker processes over one Redis, each on its own loopback port.

    Args:
        redis: a server, or the URL of one.
        workers: how many processes.
        command: what runs instead of `chat worker`.
        settings: settings by their lower-case names.
    """

    def __init__(
        self,
        redis: RedisServer | str,
        workers: int = 2,
        *,
        command: Sequence[str] = (sys.executable, "-m", "chat", "worker"),
        **settings: SettingValue,
    ) -> None:
        directory = logs.new_directory()
        settings = {"redis_url": _redis_url(redis), **settings}
        self.workers = [
            Worker(settings, directory / f"worker-{index}.log", command) for index in range(workers)
        ]

    @property
    def urls(self) -> list[str]:
        """WebSocket address of every worker, dead ones included."""
        return [worker.url for worker in self.workers]

    def __getitem__(self, index: int) -> Worker:
        return self.workers[index]

    def token(self, user: str, **options: Any) -> str:
        """Mint a token that these workers accept; see `tests.support.tokens.token`."""
        return token(user, **options)

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until every worker is ready."""
        for worker in self.workers:
            await worker.wait_ready(timeout_s)

    async def open(self) -> None:
        """Start all workers and wait until they are ready."""
        for worker in self.workers:
            await worker.start(wait=False)
        await self.wait_ready()

    async def close(self) -> None:
        """Kill all workers, paused ones too, and close their sockets."""
        for worker in self.workers:
            await worker.close()


@contextlib.contextmanager
def shared(redis: RedisServer, workers: int, **settings: SettingValue) -> Iterator[Cluster]:
    """Workers for many tests that do them no harm: they outlive the loops of these.

    They have a prefix of their own in Redis and no rate limits.
    """
    own: dict[str, Any] = {"redis_prefix": f"t{uuid.uuid4().hex[:12]}", **NO_LIMITS}
    made = Cluster(redis, workers, **own | settings)
    with asyncio.Runner() as runner:
        runner.run(made.__aenter__())
        try:
            yield made
        finally:
            runner.run(made.close())


class Supervised(Process, Closing):
    """`chat up` with its own workers behind one port.

    Args:
        redis: a server, or the URL of one; None lets `chat up` find or start its own.
        workers: how many worker processes.
        arguments: further arguments of `chat up`.
        settings: settings by their lower-case names.
    """

    def __init__(
        self,
        redis: RedisServer | str | None,
        workers: int = 2,
        *,
        arguments: Sequence[str] = (),
        **settings: SettingValue,
    ) -> None:
        self.port = unused_port()
        self.ops_port = unused_port()
        self._expected_workers = workers
        own: dict[str, SettingValue] = {
            "port": self.port,
            "ops_port": self.ops_port,
            "workers": workers,
        }
        if redis is not None:
            own["redis_url"] = _redis_url(redis)
        super().__init__(
            [sys.executable, "-m", "chat", "up", *arguments],
            own | settings,
            logs.new_directory() / "up.log",
        )

    @property
    def url(self) -> str:
        """WebSocket address of the cluster."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def urls(self) -> list[str]:
        """The one address, as a list like that of a `Cluster`."""
        return [self.url]

    def worker_pids(self) -> set[int]:
        """Process ids of its living `chat worker` processes."""
        return {
            pid
            for pid in processes.children_of(self.pid)
            if "worker" in processes.command_line(pid).split()
        }

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until /readyz answers 200."""
        await wait_ready(self, self.ops_port, timeout_s)

    async def hup(self, timeout_s: float = 60.0) -> None:
        """Have all workers replaced (SIGHUP) and wait until none of the old ones is left."""
        old = self.worker_pids()
        self.signal(signal.SIGHUP)

        def replaced() -> bool:
            now = self.worker_pids()
            return len(now) == self._expected_workers and not now & old

        await until(replaced, timeout_s, what="workers replaced after SIGHUP")
        await self.wait_ready()

    async def open(self) -> None:
        """Start it and wait until it is ready."""
        self.spawn()
        await self.wait_ready()

    async def close(self) -> None:
        """Ask it to end, and kill it with its workers if that takes too long."""
        if not self.running:
            return
        descendants = processes.children_of(self.pid)
        self.signal(signal.SIGTERM)
        try:
            await self.wait_ended(15.0)
        except AssertionError:
            await self.kill()
            processes.kill_all(descendants)
