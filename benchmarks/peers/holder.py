"""Idle connections in processes of their own: out of the way, and more than one process may hold.

`python -m benchmarks.peers.holder PEER FIRST COUNT PORT...` opens connections, prints a line when
all have joined, and keeps them alive until its standard input ends.
"""

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Self

from benchmarks.peers.servers import PEERS, Peer
from benchmarks.swarm import Swarm
from benchmarks.system import BenchmarkError, raise_descriptor_limit

IDLE_ROOM_SIZE = 10
_PER_HOLDER = 15_000
_LOOK_EVERY_S = 0.2


class Holders:
    """So many idle connections, spread over the ports; none takes no process."""

    def __init__(self, peer: Peer, ports: Sequence[int], count: int) -> None:
        self.count = count
        self._peer = peer
        self._ports = [str(port) for port in ports]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            for first in range(0, self.count, _PER_HOLDER):
                self._start(first, min(_PER_HOLDER, self.count - first))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, first: int, count: int) -> None:
        arguments = [self._peer.name, str(first), str(count), *self._ports]
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.holder", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._stack.callback(_end, process)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise BenchmarkError(f"{count} idle connections could not be opened")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def main(argv: Sequence[str]) -> int:
    """Hold connections."""
    raise_descriptor_limit()
    peer, first, count = PEERS[argv[0]], int(argv[1]), int(argv[2])
    ports = [int(port) for port in argv[3:]]
    swarm = Swarm(keepalive=peer.dialect.keepalive)
    numbers: Iterator[int] = iter(range(first, first + count))
    swarm.open(
        peer.dialect.join(
            ports[number % len(ports)], f"idle-{number}", f"idle-{number // IDLE_ROOM_SIZE}"
        )
        for number in numbers
    )
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        swarm.pump(_LOOK_EVERY_S)
    os._exit(0)  # thousands of sockets are closed faster so


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
