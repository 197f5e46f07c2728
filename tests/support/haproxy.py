"""A real HAProxy with the configuration of deploy/haproxy, on loopback ports of its own."""

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from chat.front.runtime import RuntimeApi, RuntimeApiError
from chat.front.servers import render
from tests.support import processes
from tests.support.closing import Closing
from tests.support.ports import unused_port
from tests.support.waiting import until
from tests.support.worker import REPOSITORY, Process

CONFIGURATION = REPOSITORY / "deploy" / "haproxy"
#: Another HAProxy than that on PATH, to test with other versions.
BINARY = os.environ.get("HAPROXY", "haproxy")
START_TIMEOUT_S = 40.0


def binary() -> str:
    """Return the HAProxy to run."""
    found = shutil.which(BINARY)
    if found is None:
        raise RuntimeError("haproxy is not installed: make system")
    return found


class Haproxy(Process, Closing):
    """A master and its worker process.

    Args:
        folder: for its log and its runtime socket.
        servers: the file that says where the servers are.
        certificates: the folder of certificates.
        configuration: what goes with it.
        extra: a further file.
        front: FRONT_ variables by their lower-case names without the prefix.
    """

    def __init__(
        self,
        folder: Path,
        servers: Path,
        certificates: Path | None = None,
        *,
        configuration: Path = CONFIGURATION / "haproxy.cfg",
        extra: Path | None = None,
        **front: str | int,
    ) -> None:
        self.folder = folder
        self.port, self.http_port, self.ops_port = (unused_port() for _ in range(3))
        self.runtime = RuntimeApi(self.folder / "admin.sock")
        variables: dict[str, str | int] = {
            "bind_https": f"127.0.0.1:{self.port}",
            "bind_http": f"127.0.0.1:{self.http_port}",
            "bind_ops": f"127.0.0.1:{self.ops_port}",
            "socket": f"{self.folder}/admin.sock",
            "certs": f"{certificates}/",
            "api_check": "/readyz",  # a worker stands in for `chat api`
            "maxconn": 2000,
            "slowstart": "100ms",
            "address_connections": 10_000,
            "address_connects": 100_000,
            **front,
        }
        self.files = [configuration, servers, *([extra] if extra else [])]
        self.variables = {f"FRONT_{name.upper()}": str(text) for name, text in variables.items()}
        settings = [f"{name}={text}" for name, text in self.variables.items()]
        files = [word for path in self.files for word in ("-f", str(path))]
        command = ["env", *settings, binary(), "-W", *files]
        super().__init__(command, {}, self.folder / "haproxy.log")

    @property
    def url(self) -> str:
        """WebSocket address of the front."""
        return f"wss://127.0.0.1:{self.port}/ws"

    @property
    def urls(self) -> list[str]:
        """The one address, as a list like that of a `Cluster`."""
        return [self.url]

    def worker_pids(self) -> set[int]:
        """Process ids of the processes below the master: one, and old ones that have tunnels."""
        return processes.children_of(self.pid)

    async def wait_up(self, *servers: str, backend: str = "workers_by_room") -> None:
        """Wait until it answers and sees these servers up; all of its workers if none is named."""

        def up() -> bool:
            if not self.running:
                raise RuntimeError(f"haproxy ended:\n{self.log()[-4000:]}")
            try:
                states = self.states(backend)
            except RuntimeApiError:
                return False
            wanted = servers or tuple(states)
            return bool(wanted) and all(states.get(name, "").startswith("UP") for name in wanted)

        await until(up, START_TIMEOUT_S, what=f"{servers or 'all servers'} up")

    def states(self, backend: str = "workers_by_room") -> dict[str, str]:
        """Status of the servers of a backend, by name."""
        return {one.name: one.status for one in self.runtime.servers() if one.backend == backend}

    def connections(self) -> dict[str, int]:
        """Open connections by worker, of both backends together."""
        found: dict[str, int] = {}
        for one in self.runtime.servers():
            if one.backend != "api":
                found[one.name] = found.get(one.name, 0) + one.connections
        return found

    async def reload(self) -> None:
        """Load the configuration again (SIGUSR2) and wait for the new process."""
        old = self.worker_pids()
        self.signal(signal.SIGUSR2)
        await until(lambda: self.worker_pids() - old, START_TIMEOUT_S, what="a new process")
        await asyncio.sleep(0.1)  # the new process has its sockets before it says so
        await self.wait_up()

    async def open(self) -> None:
        """Start it and wait until it sees all of its servers."""
        self.spawn()
        await self.wait_up()
        await self.wait_up(backend="api")

    async def close(self) -> None:
        """Kill the processes, tunnels and all."""
        if self.running:
            descendants = processes.children_of(self.pid)
            await self.kill()
            processes.kill_all(descendants)


def servers_file(folder: Path, workers: Sequence[str], apis: Sequence[str] | None = None) -> Path:
    """Write the servers file of `chat front servers`; the first worker stands in for `chat api`."""
    path = folder / "servers.cfg"
    path.write_text(render(workers, apis or workers[:1]))
    return path
