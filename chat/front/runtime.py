"""HAProxy's runtime API: which servers it has, and taking one out of turn and back.

Draining here keeps new connections away from a worker; those it has stay until the worker itself
closes them (SIGTERM). One command per connection, as the API has it.
"""

import socket
from collections.abc import Iterator
from csv import DictReader
from pathlib import Path

from msgspec import Struct

WORKER_BACKENDS = ("workers_by_room", "workers_any")
_TIMEOUT_S = 5.0
_READ_BYTES = 65536


class RuntimeApiError(Exception):
    """HAProxy does not answer, or refuses; the text says why."""


class Server(Struct, frozen=True, kw_only=True):
    """One server of one backend, as HAProxy sees it.

    Args:
        backend: its backend.
        name: its name there.
        status: `UP`, `DOWN`, `MAINT`, `DRAIN`, maybe with more behind.
        connections: open now.
        address: where it is; empty for a slot that has none.
        check: result of the last health check, empty before the first.
    """

    backend: str
    name: str
    status: str
    connections: int
    address: str
    check: str


class RuntimeApi:
    """A stats socket with level admin.

    Args:
        path: of the socket, FRONT_SOCKET in the configuration.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, command: str) -> str:
        """Run one command and return what HAProxy says.

        Raises:
            RuntimeApiError: nobody answers.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(_TIMEOUT_S)
                sock.connect(str(self._path))
                sock.sendall(command.encode() + b"\n")
                answer = b"".join(_chunks(sock))
        except OSError as exc:
            why = exc.strerror or exc
            raise RuntimeApiError(f"HAProxy does not answer at {self._path}: {why}") from exc
        return answer.decode(errors="replace").strip()

    def servers(self) -> list[Server]:
        """Return the servers of all backends, slots without an address left out.

        Raises:
            RuntimeApiError: nobody answers.
        """
        rows = DictReader(self.run("show stat -1 4 -1").removeprefix("# ").splitlines())
        servers = [
            Server(
                backend=row["pxname"],
                name=row["svname"],
                status=row["status"],
                connections=int(row["scur"]),
                address=row["addr"],
                check=row["check_status"].removeprefix("* "),
            )
            for row in rows
        ]
        return [server for server in servers if not server.status.startswith("MAINT (resolution)")]

    def drain(self, worker: str) -> None:
        """Send a worker no new connections; those that it has stay.

        Raises:
            RuntimeApiError: there is no such worker, or nobody answers.
        """
        self._set(worker, "drain")

    def ready(self, worker: str) -> None:
        """Use a worker again, as its health checks say.

        Raises:
            RuntimeApiError: there is no such worker, or nobody answers.
        """
        self._set(worker, "ready")

    def _set(self, worker: str, state: str) -> None:
        for backend in WORKER_BACKENDS:
            said = self.run(f"set server {backend}/{worker} state {state}")
            if said:
                raise RuntimeApiError(f"{backend}/{worker}: {said}")


def _chunks(sock: socket.socket) -> Iterator[bytes]:
    while data := sock.recv(_READ_BYTES):
        yield data
