"""Faults, each a coroutine that does its harm, undoes it, and records when it began and ended."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.checker.history import Fault, History
from tests.support.cluster import Cluster, Supervised
from tests.support.proxy import FaultProxy
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

_CUTS = 5


class Nemesis:
    """Does harm to a cluster and its Redis.

    Args:
        cluster: workers to kill and pause, or a supervisor to signal.
        redis: the server behind them.
        history: where faults are recorded.
        proxy: between workers and Redis, for faults of the network.
        seed: of the choice of victims.
    """

    def __init__(
        self,
        cluster: Cluster | Supervised,
        redis: RedisServer,
        history: History,
        *,
        proxy: FaultProxy | None = None,
        seed: int = 1,
    ) -> None:
        self.cluster = cluster
        self.redis = redis
        self.history = history
        self.proxy = proxy
        self.rng = random.Random(f"{seed} nemesis")
        self.fired = 0

    async def kill_worker(self, index: int | None = None) -> None:
        """Kill -9 a worker, a random one if not told which, and start another on its socket."""
        workers = self._workers().workers
        worker = self.rng.choice(workers) if index is None else workers[index]
        async with self.fault("kill worker", f"pid {worker.pid}"):
            await worker.kill()
            await worker.start()

    async def pause_worker(self, seconds: float = 4.0) -> None:
        """SIGSTOP a worker for longer than its lease, then let it go on."""
        worker = self.rng.choice(self._workers().workers)
        async with self.fault("pause worker", f"pid {worker.pid} for {seconds} s"):
            worker.pause()
            try:
                await asyncio.sleep(seconds)
            finally:
                worker.resume()

    async def replace_workers(self) -> None:
        """SIGHUP the supervisor: all workers are replaced one at a time."""
        if not isinstance(self.cluster, Supervised):
            raise TypeError("only a supervised cluster replaces its workers")
        async with self.fault("replace workers"):
            await self.cluster.hup()

    async def restart_redis(self, *, kill: bool = False, down_s: float = 1.0) -> None:
        """Stop or kill -9 Redis, and start it on the same data after a while."""
        async with self.fault("kill redis" if kill else "restart redis", f"{down_s} s"):
            await asyncio.to_thread(self.redis.kill if kill else self.redis.stop)
            try:
                await asyncio.sleep(down_s)
            finally:
                await asyncio.to_thread(self.redis.start)

    async def kill_redis(self) -> None:
        """Kill -9 Redis and start it on the same data."""
        await self.restart_redis(kill=True)

    async def flush(self) -> None:
        """Empty Redis."""
        async with self.fault("flush"):
            await asyncio.to_thread(self.redis.run, "FLUSHALL")

    async def cut_pubsub(self) -> None:
        """Have Redis cut every connection that is subscribed to something."""
        await self._client_kill("pubsub")

    async def cut_normal(self) -> None:
        """Have Redis cut every other connection."""
        await self._client_kill("normal")

    async def black_hole_pubsub(self, seconds: float = 4.0) -> None:
        """Let the subscribed connections fall silent without an end; the others go on."""
        proxy = self._proxy()
        deaf = sum(link.is_pubsub for link in proxy.links)
        async with self.fault("black hole pubsub", f"{deaf} links for {seconds} s"):
            if not deaf:
                raise AssertionError("no link carries pub/sub, the fault would hit nothing")
            proxy.black_hole(lambda link: link.is_pubsub)
            try:
                await asyncio.sleep(seconds)
            finally:
                await proxy.heal()

    async def black_hole_redis(self, seconds: float = 3.0) -> None:
        """Let every connection to Redis fall silent, as a partition does."""
        proxy = self._proxy()
        async with self.fault("black hole redis", f"{len(proxy.links)} links for {seconds} s"):
            proxy.black_hole()
            try:
                await asyncio.sleep(seconds)
            finally:
                await proxy.heal()

    async def _client_kill(self, kind: str) -> None:
        """Kill several times over, so that it meets commands that are on their way."""
        async with self.fault(f"client kill {kind}", f"{_CUTS} times"):
            for _ in range(_CUTS):
                await until(
                    lambda: asyncio.to_thread(self.redis.run, "CLIENT", "KILL", "TYPE", kind),
                    what=f"a {kind} connection to kill",
                )
                await asyncio.sleep(self.rng.uniform(0.1, 0.4))

    @asynccontextmanager
    async def fault(self, name: str, detail: str = "") -> AsyncIterator[None]:
        """Record a fault that lasts as long as the context."""
        self.history.add(Fault(at=time.monotonic(), name=name, on=True, detail=detail))
        yield
        self.fired += 1
        self.history.add(Fault(at=time.monotonic(), name=name, on=False))

    def _workers(self) -> Cluster:
        if not isinstance(self.cluster, Cluster):
            raise TypeError("this fault needs workers of its own, not a supervisor")
        return self.cluster

    def _proxy(self) -> FaultProxy:
        if self.proxy is None:
            raise TypeError("this fault needs a proxy between workers and Redis")
        return self.proxy


#: What is done to a cluster while clients talk: a fault, or several.
Harm = Callable[[Nemesis], Awaitable[None]]


def all_of(faults: list[Harm], seed: int) -> Harm:
    """Return the faults one after the other, in an order by the seed."""
    order = [*faults]
    random.Random(seed).shuffle(order)

    async def harm(nemesis: Nemesis) -> None:
        for fault in order:
            await fault(nemesis)

    return harm
