"""A `chat hooks` beside the workers of `chat up --webhook`, started again when it dies."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping

from chat.supervisor.backoff import Backoff
from chat.supervisor.ending import end
from chat.supervisor.slot import EXIT_SETTINGS

_COMMAND = (sys.executable, "-m", "chat", "hooks")
_STOP_TIMEOUT_S = 20.0
_log = logging.getLogger("chat.supervisor")


class HooksProcess:
    """One process.

    Args:
        restart_backoff_max_s: longest pause before it is started again.
    """

    def __init__(self, *, restart_backoff_max_s: float) -> None:
        self._backoff = Backoff(maximum_s=restart_backoff_max_s, crash_count=5, window_s=60.0)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, environ: Mapping[str, str]) -> None:
        """Start it with these variables; its operations port is any that is free."""
        own = {**environ, "CHAT_OPS_PORT": "0"}
        self._task = asyncio.create_task(self._keep_alive(own), name="hooks")

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
                    *_COMMAND,
                    env=environ,
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the supervisor
                )
                code = await self._process.wait()
            except OSError as exc:
                _log.error("chat hooks does not start: %s", exc)
                code = None
            if code == EXIT_SETTINGS:
                return  # it has said why
            wait_s = self._backoff.died(time.monotonic(), time.monotonic() - began_s)
            _log.error("chat hooks ended with code %s; next start in %.1f s", code, wait_s)
            await asyncio.sleep(wait_s)
