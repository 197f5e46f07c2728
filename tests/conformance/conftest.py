"""The echo server as a fixture."""

import sys
from collections.abc import AsyncIterator, Callable

import pytest

from tests.support import logs
from tests.support.ports import listening_socket, port_of
from tests.support.worker import Process, SettingValue

#: The largest message of the cases is 16 MiB; the flood limits are tested elsewhere.
SETTINGS: dict[str, SettingValue] = {
    "max_message_bytes": 20 * 2**20,
    "max_outbound_bytes": 64 * 2**20,
    "max_control_frames_per_s": 10_000,
}

StartEcho = Callable[..., int]


@pytest.fixture
async def echo() -> AsyncIterator[StartEcho]:
    """Start echo servers that end with the test: `port = echo(compression=True)`."""
    running: list[Process] = []

    def start(**settings: SettingValue) -> int:
        with listening_socket() as sock:
            command = [sys.executable, "-m", "tests.conformance.echo", str(sock.fileno())]
            log = logs.new_directory() / "echo.log"
            process = Process(command, SETTINGS | settings, log)
            process.spawn(pass_fds=[sock.fileno()])
            running.append(process)
            return port_of(sock)

    yield start
    for process in running:
        assert await process.terminate() == 0, process.log()
        assert "Traceback" not in process.log()
