"""Agents on this machine: child processes that get the join secret by their environment."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.joining import VARIABLE

_END_TIMEOUT_S = 5.0
_TAIL_BYTES = 2000
COMMAND = (sys.executable, "-m", "loadtest", "agent")


class LocalAgents:
    """Starts agents, tells which have died, ends those that are left.

    Args:
        log_dir: where each writes what it says, `agent-N.log`.
        command: what runs instead of `loadtest agent`, for agents that are broken on purpose.
    """

    def __init__(self, log_dir: Path, command: Sequence[str] = COMMAND) -> None:
        self._log_dir = log_dir
        self._command = command
        self._processes: list[asyncio.subprocess.Process] = []

    @property
    def pids(self) -> list[int]:
        """Process ids of all that were started."""
        return [process.pid for process in self._processes]

    async def start(self, count: int, address: tuple[str, int], secret: str) -> None:
        """Start so many; they join by themselves.

        Raises:
            OSError: the system cannot start a process or write its log.
        """
        environ = os.environ | {VARIABLE: secret}
        join = ["--join", f"{address[0]}:{address[1]}"]
        for number in range(count):
            with self._log_path(number).open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    *join,
                    env=environ,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us: we tell the agents to drain
                )
            self._processes.append(process)

    def dead(self) -> str | None:
        """Say which one has ended and what it said last, or None while all live."""
        for number, process in enumerate(self._processes):
            if process.returncode is not None:
                tail = self._log_path(number).read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
                said = f" It said:\n{tail.strip()}" if tail.strip() else ""
                return f"Local agent {number} ended with {process.returncode}.{said}"
        return None

    async def stop(self) -> None:
        """Wait a moment for those that end by themselves, then end the others."""
        for number, timeout_s in ((None, _END_TIMEOUT_S), (signal.SIGTERM, _END_TIMEOUT_S)):
            if number is not None:
                self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._wait()
                return
        self.kill()
        await self._wait()

    def kill(self) -> None:
        """End all of them at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # it ended just now
                    process.send_signal(number)

    async def _wait(self) -> None:
        for process in self._processes:
            await process.wait()

    def _log_path(self, number: int) -> Path:
        return self._log_dir / f"agent-{number}.log"
