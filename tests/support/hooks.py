"""`chat hooks`: a process on an operations socket of the test's own, or all of it in the test's."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Self

from chat.settings import from_environ
from chat.webhooks.dispatcher import Dispatcher
from chat.webhooks.endpoints import read_endpoints
from chat.webhooks.metrics import HookMetrics
from tests.support import http, logs
from tests.support.closing import Closing
from tests.support.ports import listening_socket, port_of
from tests.support.receiver import SECRET
from tests.support.waiting import until
from tests.support.worker import (
    READY_TIMEOUT_S,
    Process,
    SettingValue,
    environment,
    wait_ready,
)

#: What makes a test of faults short.
QUICK: dict[str, SettingValue] = {
    "webhook_timeout": 2.0,
    "webhook_retry_max": 0.3,
    "lease_ttl": 2.0,
    "lease_interval": 0.5,
}


def hook_settings(settings: Mapping[str, SettingValue], url: str) -> dict[str, SettingValue]:
    """Return settings of `chat hooks`: those of workers, and one endpoint where there is a URL."""
    own: dict[str, SettingValue] = {"webhooks": True, **QUICK}
    if url:
        own |= {"webhook_url": url, "webhook_secret": SECRET}
    return own | dict(settings)


class Hooks(Process, Closing):
    """One process.

    Args:
        settings: settings by their lower-case names, those of the workers among them.
        url: of the one endpoint, unless the settings name a file.
    """

    def __init__(self, settings: Mapping[str, SettingValue], url: str = "") -> None:
        self._ops = listening_socket()
        self.ops_port = port_of(self._ops)
        super().__init__(
            [sys.executable, "-m", "chat", "hooks", "--ops-fd", str(self._ops.fileno())],
            hook_settings(settings, url),
            logs.new_directory() / "hooks.log",
        )

    async def start(self) -> Self:
        """Start it and wait until it is ready."""
        self.spawn(pass_fds=[self._ops.fileno()])
        await wait_ready(self, self.ops_port, READY_TIMEOUT_S)
        return self

    async def metric(self, name: str, label: str = "") -> float:
        """Return a value of /metrics, 0 if it has none."""
        return _value((await http.get(self.ops_port, "/metrics")).body, name, label)

    async def open(self) -> None:
        """Start it."""
        await self.start()

    async def close(self) -> None:
        """Kill it and close its socket."""
        await self.kill()
        self._ops.close()


class Dispatching(Closing):
    """The same without a process of its own.

    Args:
        settings: settings by their lower-case names, those of the workers among them.
        url: of the one endpoint, unless the settings name a file.
    """

    def __init__(self, settings: Mapping[str, SettingValue], url: str = "") -> None:
        made = from_environ(environment(hook_settings(settings, url)))
        self.endpoints = read_endpoints(made)
        self._dispatcher = Dispatcher(made, self.endpoints)
        self._metrics = HookMetrics(self._dispatcher)
        self._task: asyncio.Task[None] | None = None

    def metric(self, name: str, label: str = "") -> float:
        """Return a value of /metrics, 0 if it has none."""
        return _value(self._metrics.render()[1].decode(), name, label)

    async def open(self) -> None:
        """Start it and wait until it is ready."""
        self._task = asyncio.create_task(self._dispatcher.run())
        await until(lambda: self._dispatcher.readiness().ready, what="the dispatcher")

    async def close(self) -> None:
        """Have it end as after SIGTERM."""
        if self._task is not None:
            self._dispatcher.begin_drain()
            await self._task


def _value(text: str, name: str, label: str) -> float:
    for line in text.splitlines():
        if line.startswith(name) and label in line:
            return float(line.rpartition(" ")[2])
    return 0.0
