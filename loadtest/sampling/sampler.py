"""Takes samples every few seconds for as long as it is open."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from loadtest.addresses import is_loopback
from loadtest.results import HostSample, RedisSample, WorkerSample
from loadtest.sampling.host import Host
from loadtest.sampling.operations import OperationsError, OperationsPort, WorkerState
from loadtest.sampling.processes import usage
from loadtest.sampling.store import Store, StoreError

_MS_PER_S = 1000.0


class Sampler:
    """Collects samples; what cannot be read is left out and said once.

    Args:
        ops: addresses of operations ports.
        redis: URL of Redis, or None.
        pids: workers on this machine that no operations port tells of.
        interval_s: time between two samples.
        clock: returns seconds since the start of the ramp.

    Raises:
        OperationsError, StoreError: an address is wrong.
    """

    def __init__(
        self,
        *,
        ops: Sequence[str],
        redis: str | None,
        pids: Sequence[int],
        interval_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.workers: list[WorkerSample] = []
        self.redis: list[RedisSample] = []
        self.host: list[HostSample] = []
        self.troubles: dict[str, None] = {}  # sentences, each once, in order
        self._ports = [OperationsPort(url, alone=len(ops) == 1) for url in ops]
        self._store = Store(redis) if redis else None
        self._pids = pids
        self._interval_s = interval_s
        self._clock = clock
        self._host = Host()
        self._lags: dict[str, tuple[float, float]] = {}
        self._newest: list[WorkerSample] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="sampler")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            (ended,) = await asyncio.gather(self._task, return_exceptions=True)
            if isinstance(ended, Exception):  # a mistake of ours must not take the test with it
                self._complain(f"Sampling broke off: {ended!r}.")
        if self._store is not None:
            await self._store.close()

    def newest(self) -> list[WorkerSample]:
        """Return the last sample of every worker."""
        return self._newest

    async def _run(self) -> None:
        while True:
            began_s = time.monotonic()
            await self._sample()
            await asyncio.sleep(max(0.0, self._interval_s - (time.monotonic() - began_s)))

    async def _sample(self) -> None:
        t_s = round(self._clock(), 3)
        host = self._host.read(t_s)
        if host is not None:
            self.host.append(host)
        self._newest = [self._by_pid(t_s, pid) for pid in self._pids]
        answers = await asyncio.gather(*(self._ask(port) for port in self._ports))
        for port, states in zip(self._ports, answers, strict=True):
            self._newest += [self._of(t_s, port, state) for state in states]
        self.workers += self._newest
        if self._store is not None:
            try:
                self.redis.append(await self._store.read(t_s))
            except StoreError as exc:
                self._complain(f"Redis was not sampled: {exc}")

    async def _ask(self, port: OperationsPort) -> list[WorkerState]:
        try:
            return await asyncio.to_thread(port.read)
        except OperationsError as exc:
            self._complain(f"Workers were not sampled: {exc}")
            return []

    def _of(self, t_s: float, port: OperationsPort, state: WorkerState) -> WorkerSample:
        used = usage(state.pid) if state.pid and is_loopback(port.host) else None
        before_s, before = self._lags.get(state.worker, (state.lag_s, state.lags))
        self._lags[state.worker] = (state.lag_s, state.lags)
        count = state.lags - before
        rss_kib = state.rss_kib
        if rss_kib is None and used is not None:
            rss_kib = used.rss_kib
        return WorkerSample(
            t_s=t_s,
            worker=state.worker,
            connections=state.connections,
            rooms=state.rooms,
            rss_kib=rss_kib,
            cpu_s=used.cpu_s if used else None,
            loop_lag_ms=(state.lag_s - before_s) / count * _MS_PER_S if count > 0 else None,
        )

    def _by_pid(self, t_s: float, pid: int) -> WorkerSample:
        used = usage(pid)
        return WorkerSample(
            t_s=t_s,
            worker=f"pid {pid}",
            rss_kib=used.rss_kib if used else None,
            cpu_s=used.cpu_s if used else None,
        )

    def _complain(self, sentence: str) -> None:
        self.troubles.setdefault(sentence)
