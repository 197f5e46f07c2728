"""One worker process as its supervisor sees it: started, heard, ended."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.ops.reports import Report, ReportError, decode_report, worker_entry

#: A worker reports every second; one that is silent for this long does not count as ready.
SILENT_AFTER_S = 5.0
_MAX_LINE_BYTES = 1 << 20
_log = logging.getLogger("chat.supervisor")


class Child:
    """A living worker process. Made by `spawn`."""

    def __init__(
        self,
        slot: int,
        process: asyncio.subprocess.Process,
        control: socket.socket,
        on_report: Callable[[Report], None],
    ) -> None:
        self.slot = slot
        self.pid = process.pid
        self.report: Report | None = None
        self.was_ready = False
        self.changed = asyncio.Event()  # set at every report and at the end
        self._process = process
        self._on_report = on_report
        self._started_s = self._heard_s = time.monotonic()
        self._reading = asyncio.create_task(self._read(control), name=f"worker-{slot}-control")
        self._ending = asyncio.create_task(self._end(), name=f"worker-{slot}-end")

    @classmethod
    async def spawn(
        cls,
        slot: int,
        command: Sequence[str],
        environ: Mapping[str, str],
        listening: Sequence[socket.socket],
        on_report: Callable[[Report], None],
    ) -> "Child":
        """Start a worker on listening sockets.

        Raises:
            OSError: the system cannot start a process now.
        """
        ours, theirs = socket.socketpair()
        fds = [sock.fileno() for sock in (*listening, theirs)]
        arguments = [text for fd in fds[:-1] for text in ("--listen-fd", str(fd))]
        arguments += ["--control-fd", str(fds[-1]), "--slot", str(slot)]
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    *arguments,
                    env=environ,
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=fds,
                    start_new_session=True,  # Ctrl-C is for the supervisor, which then drains us
                )
            except OSError:
                ours.close()
                raise
        return cls(slot, process, ours, on_report)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return not self._ending.done()

    @property
    def lived_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_s

    @property
    def silent_s(self) -> float:
        """Seconds since it was last heard."""
        return time.monotonic() - self._heard_s

    @property
    def ready(self) -> bool:
        """Whether it takes connections, as far as we have heard lately."""
        said_so = self.report is not None and self.report.state == "ready"
        return said_so and self.alive and self.silent_s < SILENT_AFTER_S

    async def wait(self) -> int:
        """Wait until it has ended and its last report is read; return its exit code."""
        return await asyncio.shield(self._ending)

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait until it reports or ends, at most so long."""
        self.changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.changed.wait()

    def terminate(self) -> None:
        """Ask it to drain and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def reasons(self) -> list[str]:
        """Say why it is not ready; empty if it is."""
        name = f"worker {self.slot}"
        if self.report is None:
            return [f"{name} is starting"]
        if self.silent_s >= SILENT_AFTER_S:
            return [f"{name} has not reported for {self.silent_s:.0f} s"]
        if self.ready:
            return []
        if not self.report.reasons:
            return [f"{name} is {self.report.state.replace('_', ' ')}"]
        return [f"{name}: {reason}" for reason in self.report.reasons]

    def describe(self) -> dict[str, Any]:
        """Return its entry of /readyz."""
        report = self.report
        state = report.state if report else "starting"
        return worker_entry(self.slot, self.pid, state, ready=self.ready, report=report)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            self._process.send_signal(number)

    async def _read(self, control: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=control, limit=_MAX_LINE_BYTES)
        try:
            while line := await reader.readline():
                self._take(line)
        except (ConnectionError, ValueError) as exc:
            _log.warning("worker %d: control channel is broken: %s", self.slot, exc)
        finally:
            writer.close()

    def _take(self, line: bytes) -> None:
        try:
            report = decode_report(line)
        except ReportError as exc:
            if line.endswith(b"\n"):  # else it was killed while it wrote
                _log.warning("worker %d sent a wrong report: %s", self.slot, exc)
            return
        self.report = report
        self._heard_s = time.monotonic()
        self.was_ready = self.was_ready or report.state == "ready"
        self._on_report(report)
        self.changed.set()

    async def _end(self) -> int:
        code = await self._process.wait()
        await self._reading  # ends with the process, which held the other end
        self.changed.set()
        return code
