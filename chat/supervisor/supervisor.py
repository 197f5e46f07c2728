"""`chat up`: starts the workers, keeps them alive, replaces them, stops them, and tells.

Signals: SIGTERM and SIGINT stop everything (a second one hurries, a third one kills); SIGHUP
replaces the workers one at a time.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from chat.ops.metrics import Metrics, SupervisorState
from chat.ops.reports import Report
from chat.ops.server import OpsServer, Readiness
from chat.settings import PREFIX, Settings, to_environ
from chat.supervisor.embedded import EmbeddedRedis
from chat.supervisor.listening import PublicPort, bind
from chat.supervisor.side_process import SideProcess
from chat.supervisor.slot import EXIT_SETTINGS, Slot
from chat.supervisor.worker_sockets import WorkerSockets

WORKER_COMMAND = (sys.executable, "-m", "chat", "worker")
#: How long the first worker has for a first sign before the others are started too.
FIRST_SIGN_TIMEOUT_S = 5.0
#: After a second signal: from SIGTERM again to SIGKILL.
HURRY_TIMEOUT_S = 2.0
_log = logging.getLogger("chat.supervisor")


class Supervisor:
    """All worker processes of one machine behind one port.

    Args:
        settings: of the whole system; handed to the workers by environment.
        worker_command: what a worker is.
        redis: started before the workers and stopped after them.
        beside: started with the workers and stopped after them.
        on_ready: called once, when all workers are ready for the first time.

    Raises:
        SettingsError: a port cannot be listened on, or CHAT_WORKER_SOCKETS is no pattern.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        worker_command: Sequence[str] = WORKER_COMMAND,
        redis: EmbeddedRedis | None = None,
        beside: Sequence[SideProcess] = (),
        on_ready: Callable[["Supervisor"], None] | None = None,
    ) -> None:
        self.settings = settings
        self._command = worker_command
        self._redis = redis
        self._beside = beside
        self._on_ready = on_ready
        self._metrics = Metrics(self._state)
        self._own = (
            WorkerSockets(settings.worker_sockets, settings.listen_backlog)
            if settings.worker_sockets
            else None
        )
        self._ops_socket = bind(
            settings.ops_host, settings.ops_port, 128, names=("ops_host", "ops_port")
        )
        self.ops_port: int = self._ops_socket.getsockname()[1]
        try:
            self._port = PublicPort(settings.host, settings.port, settings.listen_backlog)
        except BaseException:
            self._ops_socket.close()
            raise
        self.port = self._port.port
        self._slots: list[Slot] = []
        self._stopping = asyncio.Event()
        self._signals = 0
        self._exit_code = 0
        self._rollout: asyncio.Task[None] | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._had_terminal = _has_terminal()

    async def run(self) -> int:
        """Run until told to stop; return the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop_signal)
        loop.add_signal_handler(signal.SIGINT, self._stop_signal)
        loop.add_signal_handler(signal.SIGHUP, self._hangup_signal)
        ops = OpsServer(
            readiness=self.readiness,
            metrics=self._metrics.render,
            max_request_bytes=self.settings.max_header_bytes,
        )
        try:
            await ops.start(self._ops_socket)
            await self._run()
        finally:
            await self._stop_workers()
            await asyncio.gather(*(process.stop() for process in self._beside))
            if self._redis is not None:
                await self._redis.stop()
            await ops.stop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
            _log.info("stopped")
        return self._exit_code

    async def _run(self) -> None:
        if self._redis is not None:
            starting = asyncio.create_task(self._redis.start(), name="embedded-redis-start")
            if not await self._unless_stopping(starting):
                return
            await starting
        environ = self._environ()
        self._make_slots(environ)
        for process in self._beside:
            process.start(environ)
        starting = asyncio.create_task(self._start_slots(), name="start-workers")
        if await self._unless_stopping(starting):
            await starting
            await self._stopping.wait()

    async def _unless_stopping(self, task: asyncio.Task[None]) -> bool:
        """Wait for the task; cancel it and return false if we are told to stop meanwhile."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return task.done()
        finally:
            stopping.cancel()
            if not task.done():
                task.cancel()
            await asyncio.wait({task, stopping})

    def _environ(self) -> dict[str, str]:
        """Return the environment of child processes: ours, with the settings that we have."""
        own = to_environ(self.settings)
        if self._redis is not None:
            own["CHAT_REDIS_URL"] = self._redis.url
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        return inherited | own

    def _make_slots(self, environ: dict[str, str]) -> None:
        settings = self.settings
        self._slots = [
            Slot(
                number,
                settings=settings,
                port=self._port,
                own=self._own,
                command=self._command,
                environ=environ,
                on_report=self._heard,
                on_retired=self._metrics.retire,
                on_wrong_settings=self._wrong_settings,
            )
            for number in range(settings.workers)
        ]

    async def _start_slots(self) -> None:
        """Start the first worker alone until its first sign: a wrong setting is then said once."""
        first, *others = self._slots
        first.start()
        try:
            async with asyncio.timeout(FIRST_SIGN_TIMEOUT_S):
                await first.started.wait()
        except TimeoutError:
            _log.warning("worker 0 has not reported yet")
        for slot in others:
            slot.start()

    # ------------------------------------------------------------ stopping

    def _stop_signal(self) -> None:
        self._signals += 1
        if self._signals == 1:
            _log.info("stopping: workers drain, at most %.0f s", self.settings.drain_timeout)
            self._stopping.set()
        elif self._signals == 2:
            _log.info("stopping now")
            self._signal_all(signal.SIGTERM)
            loop = asyncio.get_running_loop()
            self._killer = loop.call_later(HURRY_TIMEOUT_S, self._signal_all, signal.SIGKILL)
        else:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for slot in self._slots:
            slot.signal(number)

    async def _stop_workers(self) -> None:
        self._stopping.set()
        if self._rollout is not None:
            self._rollout.cancel()
            await asyncio.gather(self._rollout, return_exceptions=True)
        self._port.close()
        await asyncio.gather(*(slot.stop() for slot in self._slots))
        if self._killer is not None:
            self._killer.cancel()

    def _wrong_settings(self) -> bool:
        """A worker refused its settings: with none ever ready, all of us end."""
        if any(slot.child is not None and slot.child.was_ready for slot in self._slots):
            return False
        self._exit_code = EXIT_SETTINGS
        self._stopping.set()
        return True

    # --------------------------------------------------------- replacement

    def _hangup_signal(self) -> None:
        if self._had_terminal and not _has_terminal():
            _log.info("the terminal was closed")
            self._stop_signal()
        elif self._rollout is not None and not self._rollout.done():
            _log.warning("SIGHUP: workers are being replaced already")
        elif not self._stopping.is_set():
            self._rollout = asyncio.create_task(self._replace_all(), name="replace-workers")

    async def _replace_all(self) -> None:
        _log.info("SIGHUP: replacing %d workers", len(self._slots))
        for slot in self._slots:
            if not await slot.replace():
                _log.error(
                    "replacing stopped: the new worker %d did not become ready, the old one and "
                    "all after it stay",
                    slot.number,
                )
                return
        _log.info("all workers are replaced")

    # -------------------------------------------------------------- telling

    def _heard(self, report: Report) -> None:
        self._metrics.update(report)
        if self._on_ready is not None and all(slot.ready for slot in self._slots):
            on_ready, self._on_ready = self._on_ready, None
            on_ready(self)

    def readiness(self) -> Readiness:
        """Return the answer of /readyz.

        Ready means that a new connection is served: at least one worker is ready and we are not
        stopping. Workers that are not ready are listed as reasons all the same.
        """
        reasons = [reason for slot in self._slots for reason in slot.reasons()]
        if self._redis is not None and not self._redis.up:
            reasons.insert(0, "the embedded Redis is down")
        if self._stopping.is_set():
            reasons.insert(0, "draining")
        if not self._slots:
            reasons.append("starting")
        ready = any(slot.ready for slot in self._slots) and not self._stopping.is_set()
        workers = [slot.describe() for slot in self._slots]
        return Readiness(ready=ready, reasons=reasons, workers=workers)

    def _state(self) -> SupervisorState:
        return SupervisorState(
            wanted=self.settings.workers,
            ready=sum(slot.ready for slot in self._slots),
            restarts=sum(slot.restarts for slot in self._slots),
            crash_looping=sum(slot.crash_looping for slot in self._slots),
            redis_restarts=0 if self._redis is None else self._redis.restarts,
        )


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
