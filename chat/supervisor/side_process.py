"""A process beside the workers of `chat up`, started again when it dies."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence

from chat.supervisor.backoff import Backoff
from chat.supervisor.ending import end
from chat.supervisor.slot import EXIT_SETTINGS

_STOP_TIMEOUT_S = 20.0
_log = logging.getLogger("chat.supervisor")


class SideProcess:
    """One process of the `chat` command, such as `chat hooks`.

    Args:
        name: of the subcommand.
        arguments: its arguments.
        environ: variables of its own; its operations port is any that is free.
        pass_fds: descriptors that it inherits.
        restart_backoff_max_s: longest pause before it is started again.
    """

    def __init__(
        self,
        name: str,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        restart_backoff_max_s: float,
    ) -> None:
        self._name = name
        self._command = (sys.executable, "-m", "chat", name, *arguments)
        self._own = {"CHAT_OPS_PORT": "0", **(environ or {})}
        self._pass_fds = pass_fds
        self._backoff = Backoff(maximum_s=restart_backoff_max_s, crash_count=5, window_s=60.0)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, environ: Mapping[str, str]) -> None:
        """Start it with these variables, and with its own instead of some of them."""
        own = {**environ, **self._own}
        self._task = asyncio.create_task(self._keep_alive(own), name=self._name)

    async def stop(self) -> None:
        """End it, and wait for that."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await end(self._process, _STOP_TIMEOUT_S)

    async def _keep_alive(self, environ: Mapping[str, str]) -> None:
        while True:
            began_s = time.monotonic()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "chat.supervisor.tethered", str(os.getpid())),
                    *self._command,
                    env=environ,
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=self._pass_fds,
                    start_new_session=True,  # Ctrl-C is for the supervisor
                )
                code = await self._process.wait()
            except OSError as exc:
                _log.error("chat %s does not start: %s", self._name, exc)
                code = None
            if code == EXIT_SETTINGS:
                return  # it has said why
            wait_s = self._backoff.died(time.monotonic(), time.monotonic() - began_s)
            _log.error("chat %s ended with code %s; next start in %.1f s", self._name, code, wait_s)
            await asyncio.sleep(wait_s)
