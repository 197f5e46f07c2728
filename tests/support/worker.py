"""One `chat worker` process on sockets that belong to the test, so that its port never changes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support import http
from tests.support.ports import listening_socket, port_of
from tests.support.tokens import SECRET
from tests.support.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 45.0
_END_TIMEOUT_S = 45.0  # more than the default drain_timeout

SettingValue = str | int | float | bool


def environment(settings: Mapping[str, SettingValue]) -> dict[str, str]:
    """Return the environment of a process under test: ours, with no CHAT_ variable but these."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("CHAT_")}
    given = {f"CHAT_{name.upper()}": str(value) for name, value in settings.items()}
    defaults = {
        "CHAT_JWT_SECRET": SECRET,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | defaults | given


class Process:
    """A child process that logs to a file and is ended by its own pid.

    Args:
        command: what to run.
        settings: settings by their lower-case names.
        log_path: where its output is appended.
    """

    def __init__(
        self, command: Sequence[str], settings: Mapping[str, SettingValue], log_path: Path
    ) -> None:
        self.command = list(command)
        self.settings = dict(settings)
        self.log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running process."""
        if self._process is None:
            raise RuntimeError("the process is not running")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of the process as last seen, None while it runs or when it was never run."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return what it has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def spawn(self, pass_fds: Sequence[int] = ()) -> None:
        """Start the process; does not wait for anything."""
        if self.running:
            raise RuntimeError(f"process {self.pid} is running already")
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                # A machine that stands still for a second is no overload, but to tests of that.
                env=environment({"overload_lag": 0, **self.settings}),
                pass_fds=pass_fds,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    async def wait_ended(self, timeout_s: float = _END_TIMEOUT_S) -> int:
        """Wait until the process has ended and return its exit code."""
        await until(lambda: not self.running, timeout_s, what=f"the end of {self.command[1:4]}")
        return self.exit_code or 0

    async def kill(self) -> None:
        """Kill -9 and wait until it is gone; does nothing when it has ended."""
        if self.running:
            self.signal(signal.SIGKILL)
            await self.wait_ended()

    async def terminate(self, timeout_s: float = _END_TIMEOUT_S) -> int:
        """Ask it to drain (SIGTERM), wait until it has ended, return its exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return await self.wait_ended(timeout_s)

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        self.signal(signal.SIGCONT)


class Worker(Process):
    """One `chat worker`.

    Its two listening sockets are made here and inherited, so a restarted worker has the same
    ports, and connections that arrive between two lives wait in the kernel's queue.

    Args:
        settings: settings by their lower-case names.
        log_path: where its output is appended.
        command: what runs instead of `chat worker`, for workers that are broken on purpose.
    """

    def __init__(
        self,
        settings: Mapping[str, SettingValue],
        log_path: Path,
        command: Sequence[str] = (sys.executable, "-m", "chat", "worker"),
    ) -> None:
        self._public = listening_socket()
        self._ops = listening_socket()
        self.port = port_of(self._public)
        self.ops_port = port_of(self._ops)
        fds = ["--listen-fd", str(self._public.fileno()), "--ops-fd", str(self._ops.fileno())]
        super().__init__([*command, *fds], settings, log_path)

    @property
    def url(self) -> str:
        """WebSocket address of this worker."""
        return f"ws://127.0.0.1:{self.port}/ws"

    async def start(self, *, wait: bool = True) -> Self:
        """Start the worker and wait until it says it is ready."""
        self.spawn(pass_fds=[self._public.fileno(), self._ops.fileno()])
        if wait:
            await self.wait_ready()
        return self

    async def restart(self, *, wait: bool = True) -> None:
        """Kill -9 it, if it lives, and start another on the same sockets."""
        await self.kill()
        await self.start(wait=wait)

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until /readyz answers 200."""
        await wait_ready(self, self.ops_port, timeout_s)

    async def ready(self) -> bool:
        """Whether /readyz answers 200 now."""
        return await is_ready(self.ops_port)

    async def close(self) -> None:
        """Kill the worker and close its sockets."""
        await self.kill()
        self._public.close()
        self._ops.close()


async def is_ready(ops_port: int, timeout_s: float = 2.0) -> bool:
    """Whether /readyz on a loopback port answers 200 within a moment."""
    try:
        return (await http.get(ops_port, "/readyz", timeout_s=timeout_s)).status == 200
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def wait_ready(process: Process, ops_port: int, timeout_s: float) -> None:
    """Wait until a process answers 200 on /readyz, or fail at once when it has ended."""

    async def ready() -> bool:
        if not process.running:
            raise RuntimeError(f"ended with {process.exit_code}:\n{process.log()[-4000:]}")
        return await is_ready(ops_port)

    await until(ready, timeout_s, what=f"/readyz of {process.command[1:4]}", interval_s=0.05)
