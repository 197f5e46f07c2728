"""What is measured and what it costs: a Redis, workers, and /proc.

Linux only. The servers are those of the tests; the workers are started as the supervisor starts
them, with listening sockets that they inherit, and without rate limits.
"""

import contextlib
import http.client
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.support.cluster import NO_LIMITS
from tests.support.ports import listening_socket, port_of
from tests.support.redis_server import RedisServer, server_binary
from tests.support.worker import REPOSITORY, SettingValue, environment

READY_TIMEOUT_S = 30.0
WORKER_COMMAND = [sys.executable, "-m", "chat", "worker"]
_RAW_DIRECTORY = Path(__file__).parent / "raw"
_BACKLOG = 4096
_CPUCLOCK_SCHED = 2


class BenchmarkError(Exception):
    """A measurement could not be made; the text says why."""


class Worker:
    """One `chat worker` process on two loopback ports of its own."""

    def __init__(self, directory: Path, index: int, settings: dict[str, SettingValue]) -> None:
        self._log_path = directory / f"worker-{index}.log"
        self._public = listening_socket(_BACKLOG)
        self._ops = listening_socket()
        self.port = port_of(self._public)
        fds = (self._public.fileno(), self._ops.fileno())
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*WORKER_COMMAND, "--listen-fd", str(fds[0]), "--ops-fd", str(fds[1])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                env=environment(settings),
                pass_fds=fds,
            )
        self.pid = self._process.pid

    def wait_ready(self) -> Self:
        """Wait until /readyz answers 200."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            if self._is_ready():
                return self
            time.sleep(0.05)
        raise BenchmarkError("the worker did not become ready, its log is above")

    def log_tail(self) -> str:
        """Return the end of what it has logged."""
        return self._log_path.read_text(errors="replace")[-3000:]

    def close(self) -> None:
        """Kill it: its data is thrown away, so there is nothing to drain for."""
        self._process.kill()
        self._process.wait()
        self._public.close()
        self._ops.close()

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(self._ops), timeout=2.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextlib.contextmanager
def redis_server(*, tcp: bool = False) -> Iterator[RedisServer]:
    """Run a Redis on a unix socket, with an append-only file as `make run` has it.

    With `tcp` it has a loopback port too.

    From here on SIGTERM unwinds the stack as Ctrl-C does, so that all that was started is stopped.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with RedisServer(appendfsync="everysec", tcp=tcp) as redis:
        yield redis


@contextlib.contextmanager
def running_workers(
    redis: RedisServer, count: int = 1, **settings: SettingValue
) -> Iterator[list[Worker]]:
    """Run ready workers; when the measurement fails, show the end of their logs."""
    own: dict[str, SettingValue] = {"redis_url": redis.url, "log_level": "warning"}
    with temporary_directory() as directory, contextlib.ExitStack() as stack:
        workers = []
        for index in range(count):
            workers.append(Worker(directory, index, own | NO_LIMITS | settings))
            stack.callback(workers[-1].close)
        try:
            yield [worker.wait_ready() for worker in workers]
        except Exception:
            for worker in workers:
                print(worker.log_tail(), file=sys.stderr)
            raise


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """Make a directory and remove it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def compile_raw(name: str, directory: Path) -> Path:
    """Compile `raw/NAME.c` with the system's C compiler and return the program."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchmarkError("this benchmark needs a C compiler, `cc`")
    program = directory / name
    command = [compiler, "-O2", "-o", str(program), str(_RAW_DIRECTORY / f"{name}.c")]
    subprocess.run([*command, "-lm", "-pthread"], check=True)
    return program


def cpu_s(pid: int) -> float:
    """Return the CPU time a process has used, user and system, to the nanosecond.

    Source: clock_getcpuclockid(3), whose clock ids Linux makes from the pid in this way.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def memory_kib(pid: int) -> dict[str, int]:
    """Return Rss, Private_Dirty and so on of a process, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}


def kernel_slab_kib() -> int:
    """Return the kernel's own memory for objects such as sockets, in KiB."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1])
    raise BenchmarkError("/proc/meminfo has no Slab")


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to the hard limit; children inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    version = subprocess.run(
        [server_binary(), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "redis": " ".join(version.stdout.split()[:3]),
    }
