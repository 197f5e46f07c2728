"""One place for a worker: its listening sockets, the process in it, its restarts."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.ops.reports import Report, worker_entry
from chat.settings import Settings, SettingsError
from chat.supervisor.backoff import Backoff
from chat.supervisor.child import Child
from chat.supervisor.listening import PublicPort
from chat.supervisor.worker_sockets import WorkerSockets

#: Exit code of a worker whose settings are wrong (EX_CONFIG of sysexits.h).
EXIT_SETTINGS = 78
#: A pause longer than this closes the listening sockets, so that nobody waits in their queues.
QUEUE_PATIENCE_S = 1.0
#: How long a new worker may take to become ready when it replaces another.
REPLACE_TIMEOUT_S = 30.0
#: Beyond `drain_timeout`: for the worker to end by itself.
END_GRACE_S = 5.0
_log = logging.getLogger("chat.supervisor")


class Slot:
    """Keeps one worker alive.

    Args:
        number: of the slot, from 0.
        settings: of the whole system.
        port: the shared port.
        own: where each worker listens for itself, if it does.
        command: what a worker is.
        environ: its environment.
        on_report: called with every report.
        on_retired: called with the id of a worker that has ended.
        on_wrong_settings: called when the first worker refused its settings; true if that ends all.
    """

    def __init__(
        self,
        number: int,
        *,
        settings: Settings,
        port: PublicPort,
        own: WorkerSockets | None,
        command: Sequence[str],
        environ: Mapping[str, str],
        on_report: Callable[[Report], None],
        on_retired: Callable[[str], None],
        on_wrong_settings: Callable[[], bool],
    ) -> None:
        self.number = number
        self.child: Child | None = None
        self.restarts = 0
        self.started = asyncio.Event()  # a first process has reported or ended
        self.backoff = Backoff(
            maximum_s=settings.restart_backoff_max,
            crash_count=settings.crash_loop_count,
            window_s=settings.crash_loop_window,
        )
        self._healthy_after_s = settings.crash_loop_window
        self._end_timeout_s = settings.drain_timeout + END_GRACE_S
        self._port = port
        self._own = own
        self._command = command
        self._environ = environ
        self._on_report = on_report
        self._on_retired = on_retired
        self._on_wrong_settings = on_wrong_settings
        self._sockets: list[socket.socket] = []
        self._listening = contextlib.ExitStack()  # closes them
        self._successor: Child | None = None
        self._hurry = asyncio.Event()  # ends a pause before a restart
        self._retry_at_s = 0.0
        self._children: set[Child] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ running

    def start(self) -> None:
        """Start a worker and keep one alive from here on.

        Raises:
            SettingsError: it cannot listen.
        """
        self._listen()
        self._task = asyncio.create_task(self._keep_alive(), name=f"slot-{self.number}")

    async def stop(self) -> None:
        """Drain all workers of this slot; kill those that take too long."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._stop_listening()
        for child in self._children:
            child.terminate()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=self._end_timeout_s)
        for child in self._children:
            _log.error("worker %d (process %d) did not end: killed", self.number, child.pid)
            child.kill()
        await asyncio.gather(*self._retiring)

    def signal(self, number: signal.Signals) -> None:
        """Send SIGTERM once more, or SIGKILL, while stopping."""
        for child in self._children:
            if number is signal.SIGKILL:
                child.kill()
            else:
                child.terminate()

    async def _keep_alive(self) -> None:
        while True:
            if self.child is None:
                self.child = await self._spawn()
            child = self.child
            code = await child.wait()
            if child is not self.child:
                continue  # it was replaced
            self.started.set()
            if code == EXIT_SETTINGS and self.restarts == 0 and self._on_wrong_settings():
                return
            self.restarts += 1
            wait_s = self._note_death(child, code)
            self.child, self._successor = self._successor, None
            if self.child is None:
                await self._pause(wait_s)

    def _note_death(self, child: Child, code: int) -> float:
        was_looping = self.backoff.crash_looping
        wait_s = self.backoff.died(time.monotonic(), child.lived_s)
        self._log_death(child, code, wait_s)
        if self.backoff.crash_looping and not was_looping:
            _log.error("worker %d is in a crash loop", self.number)
        return wait_s

    def _log_death(self, child: Child, code: int, wait_s: float) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        name = f"worker {self.number} (process {child.pid})"
        _log.error("%s %s after %.1f s; next start in %.1f s", name, how, child.lived_s, wait_s)

    async def _pause(self, wait_s: float) -> None:
        if wait_s > QUEUE_PATIENCE_S:
            self._stop_listening()
        self._retry_at_s = time.monotonic() + wait_s
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()

    # ---------------------------------------------------------- processes

    async def _spawn(self) -> Child:
        while True:
            try:
                return await self._start_child()
            except (OSError, SettingsError) as exc:
                wait_s = self.backoff.died(time.monotonic(), 0.0)
                _log.error(
                    "worker %d cannot be started: %s; again in %.1f s", self.number, exc, wait_s
                )
                await self._pause(wait_s)

    async def _start_child(self) -> Child:
        spawning = asyncio.ensure_future(
            Child.spawn(self.number, self._command, self._environ, self._listen(), self._heard)
        )
        try:
            child = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            self._adopt(await spawning)  # it exists: `stop` must know it
            raise
        self._adopt(child)
        return child

    def _adopt(self, child: Child) -> None:
        self._children.add(child)
        task = asyncio.create_task(self._retire(child), name=f"slot-{self.number}-retire")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        _log.info("worker %d started (process %d)", self.number, child.pid)

    async def _retire(self, child: Child) -> None:
        await child.wait()
        self._children.discard(child)
        if child.report is not None:
            self._on_retired(child.report.worker_id)

    def _heard(self, report: Report) -> None:
        self.started.set()
        self._on_report(report)

    def _listen(self) -> list[socket.socket]:
        if not self._sockets:
            with contextlib.ExitStack() as stack:
                sockets = [stack.enter_context(self._port.open())]
                if self._own is not None:
                    sockets.append(stack.enter_context(self._own.listening(self.number)))
                self._sockets, self._listening = sockets, stack.pop_all()
        return self._sockets

    def _stop_listening(self) -> None:
        self._listening.close()
        self._sockets = []

    # -------------------------------------------------------- replacement

    async def replace(self) -> bool:
        """Put a new worker in the place of the present one; false if the new one is no good.

        The new one listens on the same sockets before the old one stops. If it is not ready in
        time it is killed and the old one stays.
        """
        old = self.child
        if old is None:  # between two lives: the next one is the new one
            self._hurry.set()
            return await self._becomes_ready(lambda: self.child)
        try:
            new = await self._start_child()
        except (OSError, SettingsError) as exc:
            _log.error("worker %d cannot be replaced: %s", self.number, exc)
            return False
        self._successor = new
        ready = await self._becomes_ready(lambda: new)
        if not ready:
            self._successor = None
            new.kill()
            await new.wait()
            return False
        if self.child is old:
            self.child, self._successor = new, None
            self.backoff.healthy()
            await self._end(old)
        elif self._successor is new:  # the old one died meanwhile and has been started again
            self._successor = None
            await self._end(new)
        return True

    async def _becomes_ready(self, which: Callable[[], Child | None]) -> bool:
        deadline_s = time.monotonic() + REPLACE_TIMEOUT_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            child = which()
            if child is None:
                await asyncio.sleep(min(left_s, 0.1))
            elif child.ready:
                return True
            elif not child.alive:
                return False
            else:
                await child.wait_for_change(left_s)
        return False

    async def _end(self, child: Child) -> None:
        child.terminate()
        try:
            async with asyncio.timeout(self._end_timeout_s):
                await child.wait()
        except TimeoutError:
            _log.error("worker %d (process %d) did not drain: killed", self.number, child.pid)
            child.kill()
            await child.wait()

    # ------------------------------------------------------------- telling

    @property
    def ready(self) -> bool:
        """Whether a worker of this slot takes connections."""
        return self.child is not None and self.child.ready

    @property
    def crash_looping(self) -> bool:
        """Whether its workers die again and again."""
        lived_s = 0.0 if self.child is None else self.child.lived_s
        return self.backoff.crash_looping and lived_s < self._healthy_after_s

    def reasons(self) -> list[str]:
        """Say what is wrong here; empty if nothing is."""
        reasons = []
        if self.crash_looping:
            reasons.append(f"worker {self.number} is in a crash loop")
        if self.child is not None:
            return reasons + self.child.reasons()
        left_s = max(0.0, self._retry_at_s - time.monotonic())
        return [*reasons, f"worker {self.number} is dead, next start in {left_s:.1f} s"]

    def describe(self) -> dict[str, Any]:
        """Return its entry of /readyz."""
        if self.child is None:
            return worker_entry(self.number, None, "dead", ready=False)
        return self.child.describe()
