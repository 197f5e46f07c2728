"""A `chat hooks` process on an operations socket of the test's own."""

import sys
from collections.abc import Mapping
from typing import Self

from tests.support import http, logs
from tests.support.closing import Closing
from tests.support.ports import listening_socket, port_of
from tests.support.receiver import SECRET
from tests.support.worker import Process, SettingValue, wait_ready

#: What makes a test of faults short.
QUICK: dict[str, SettingValue] = {
    "webhook_timeout": 2.0,
    "webhook_retry_max": 0.3,
    "lease_ttl": 2.0,
    "lease_interval": 0.5,
}


class Hooks(Process, Closing):
    """One process.

    Args:
        settings: settings by their lower-case names, those of the workers among them.
        url: of the one endpoint, unless the settings name a file.
    """

    def __init__(self, settings: Mapping[str, SettingValue], url: str = "") -> None:
        self._ops = listening_socket()
        self.ops_port = port_of(self._ops)
        own: dict[str, SettingValue] = {"webhooks": True, **QUICK}
        if url:
            own |= {"webhook_url": url, "webhook_secret": SECRET}
        super().__init__(
            [sys.executable, "-m", "chat", "hooks", "--ops-fd", str(self._ops.fileno())],
            own | dict(settings),
            logs.new_directory() / "hooks.log",
        )

    async def start(self) -> Self:
        """Start it and wait until it is ready."""
        self.spawn(pass_fds=[self._ops.fileno()])
        await wait_ready(self, self.ops_port, 20.0)
        return self

    async def metric(self, name: str, label: str = "") -> float:
        """Return a value of /metrics, 0 if it has none."""
        text = (await http.get(self.ops_port, "/metrics")).body
        for line in text.splitlines():
            if line.startswith(name) and label in line and not line.startswith("#"):
                return float(line.rpartition(" ")[2])
        return 0.0

    async def open(self) -> None:
        """Start it."""
        await self.start()

    async def close(self) -> None:
        """Kill it and close its socket."""
        await self.kill()
        self._ops.close()
