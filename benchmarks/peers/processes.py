"""Server processes that are no `chat worker`: started, waited for, measured, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.system import (
    READY_TIMEOUT_S,
    BenchmarkError,
    cpu_s,
    memory_kib,
    temporary_directory,
)

_STOP_TIMEOUT_S = 5.0
_LOG_TAIL = 1000


class Running(NamedTuple):
    """Server processes that accept connections; members are spread over the ports in turn."""

    ports: list[int]
    pids: list[int]

    def cpu_s(self) -> float:
        """Return the CPU time all of them have used."""
        return sum(cpu_s(pid) for pid in self.pids)

    def memory_kib(self) -> int:
        """Return the memory of all of them (Pss: what they share is counted once)."""
        return sum(memory_kib(pid)["Pss"] for pid in self.pids)


@contextlib.contextmanager
def processes_on(
    commands: Sequence[tuple[list[str], Mapping[str, str]]],
    ports: Sequence[int],
    pass_fds: Sequence[int] = (),
) -> Iterator[list[int]]:
    """Run commands until all ports accept; a failure shows the end of what they have logged."""
    with temporary_directory() as directory, contextlib.ExitStack() as stack:
        log_path = directory / "log"
        processes = []
        for command, environment in commands:
            with log_path.open("ab") as log:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | environment,
                    pass_fds=pass_fds,
                )
            processes.append(process)
            stack.callback(_end, process)
        try:
            _wait_for_ports(processes, ports)
            yield [process.pid for process in processes]
        except Exception as failure:
            tail = log_path.read_text(errors="replace")[-_LOG_TAIL:]
            raise BenchmarkError(f"{failure}\n{tail}".strip()) from failure


def _wait_for_ports(processes: Sequence[subprocess.Popen[bytes]], ports: Sequence[int]) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    for port in ports:
        while True:
            _check_alive(processes)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if time.monotonic() > deadline_s:
                raise BenchmarkError(f"nothing listens on port {port}")
            time.sleep(0.05)


def _check_alive(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is not None:
            raise BenchmarkError(f"the server has ended with {process.returncode}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, so that nginx ends its workers, and kill it if that takes long."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
