"""Fan-out of one large room, as a ratio to a raw `send()` loop in the same run.

Unbatched: the next message is published when every member has the last one, so each is written
alone. Batched: bursts are published together, so that messages meet in one loop tick. Both sides
send frames of the same size to as many sockets, and the same C program reads them.

The main figure is deliveries per second of the sender's CPU time. Sender, readers and Redis share
the cores of one machine, so that the wall-clock rates say as much about the readers.
"""

import argparse
import contextlib
import json
import os
import select
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from operator import truediv
from pathlib import Path
from typing import NamedTuple

from benchmarks.swarm import Member, Swarm, plan
from benchmarks.system import (
    BenchmarkError,
    Worker,
    compile_raw,
    cpu_s,
    machine,
    raise_descriptor_limit,
    redis_server,
    running_workers,
    temporary_directory,
)
from benchmarks.table import print_json, print_table, print_target
from benchmarks.wire import command_frame
from loadtest.wire import frame_bytes
from tests.support.ports import listening_socket

UNBATCHED_TARGET = 0.75
BATCHED_TARGET = 3.0
_ROOM_ID = "large"
_BURSTS_IN_FLIGHT = 2
_QUIET_S = 3.0  # longer than the default member_count_interval
_STALL_TIMEOUT_S = 20.0


class Rate(NamedTuple):
    """Deliveries per second of the sender's CPU time, and of the clock."""

    per_cpu_s: float
    per_wall_s: float


class Drain:
    """The reading process of `raw/drain.c`, and how far it has come."""

    def __init__(self, program: Path, sockets: Sequence[socket.socket], least_bytes: int) -> None:
        self.members = len(sockets)
        self.rounds = 0
        self._read_fd, write_fd = os.pipe()
        fds = [sock.fileno() for sock in sockets]
        numbers = (write_fd, self.members, least_bytes, *fds)
        self._process = subprocess.Popen(
            [str(program), *map(str, numbers)], pass_fds=(write_fd, *fds), stdin=subprocess.DEVNULL
        )
        os.close(write_fd)

    def wait_for_round(self) -> None:
        """Wait until it has counted another delivery for each of its members, or more."""
        if not select.select([self._read_fd], [], [], _STALL_TIMEOUT_S)[0]:
            raise BenchmarkError(f"no deliveries any more after {self.rounds} rounds")
        data = os.read(self._read_fd, 8)
        if len(data) < 8:
            raise BenchmarkError("the drain has ended")
        self.rounds = struct.unpack("=Q", data)[0] // self.members

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        os.close(self._read_fd)


class RawSide:
    """The floor: as many connected sockets, `raw/send_loop.c` at one end, a drain at the other."""

    def __init__(self, programs: dict[str, Path], members: int, size: int) -> None:
        self._program = programs["send_loop"]
        self._size = size
        with listening_socket(members) as listener:
            pairs = [_connected_pair(listener) for _ in range(members)]
        self._senders = [sender for sender, _ in pairs]
        self._readers = [reader for _, reader in pairs]
        self._drain = Drain(programs["drain"], self._readers, least_bytes=0)

    def measure(self, rounds: int) -> Rate:
        """Send a number of frames to every socket and wait until they are read."""
        fds = [sock.fileno() for sock in self._senders]
        began, end_round = time.monotonic(), self._drain.rounds + rounds
        process = subprocess.Popen(
            [str(self._program), str(self._size), str(rounds), *map(str, fds)],
            pass_fds=fds,
            stdout=subprocess.PIPE,
        )
        while self._drain.rounds < end_round:
            self._drain.wait_for_round()
        wall_s = time.monotonic() - began
        result = json.loads(process.communicate()[0])
        return Rate(result["sends"] / result["cpu_ns"] * 1e9, result["sends"] / wall_s)

    def close(self) -> None:
        """End the drain and close the sockets."""
        self._drain.close()
        for sock in (*self._senders, *self._readers):
            sock.close()


class ChatSide:
    """A room on one worker: its members' sockets are read by a drain, the first one publishes."""

    def __init__(self, programs: dict[str, Path], worker: Worker, options: argparse.Namespace):
        self._worker = worker
        self._command = command_frame(
            {"type": "chat_message", "roomId": _ROOM_ID, "content": "x" * options.content_bytes}
        )
        self._swarm = Swarm()
        self._swarm.open(
            plan(worker.port, f"user-{number}", _ROOM_ID) for number in range(options.members)
        )
        self._swarm.pump_until_quiet(_QUIET_S, 60.0)
        payload = self._publish_one()
        self.size = frame_bytes(payload)
        members = self._swarm.members
        if not all(member.frames.between_frames for member in members):
            raise BenchmarkError("a frame was cut when the drain took over")
        self._publisher = members[0].sock
        self._swarm.release()
        # Events that are not the message are shorter: its own text is nearly all of this.
        self._drain = Drain(
            programs["drain"], [member.sock for member in members], len(payload) * 9 // 10
        )

    def measure(self, messages: int, burst: int) -> Rate:
        """Publish in bursts; with bursts of one, the next waits until all have the last one."""
        in_flight = burst * (_BURSTS_IN_FLIGHT if burst > 1 else 1)
        self._publisher.setblocking(True)
        cpu, wall = cpu_s(self._worker.pid), time.monotonic()
        began_round, sent = self._drain.rounds, 0
        while (arrived := self._drain.rounds - began_round) < messages:
            while sent < messages and sent - arrived <= in_flight - burst:
                count = min(burst, messages - sent)
                self._publisher.sendall(self._command * count)
                sent += count
            self._drain.wait_for_round()
        wall, cpu = time.monotonic() - wall, cpu_s(self._worker.pid) - cpu
        deliveries = messages * self._drain.members
        return Rate(deliveries / cpu, deliveries / wall)

    def close(self) -> None:
        """End the drain and close the connections."""
        self._drain.close()
        self._swarm.close()

    def _publish_one(self) -> bytes:
        """Publish once, see that every member gets it, and return the payload they got."""
        received: dict[int, bytes] = {}

        def on_text(member: Member, text: bytes) -> None:
            if b'"chat_message"' in text:
                received[member.number] = text

        self._swarm.on_text = on_text
        self._swarm.members[0].sock.sendall(self._command)
        deadline_s = time.monotonic() + _STALL_TIMEOUT_S
        while len(received) < len(self._swarm.members):
            self._swarm.pump(1.0)
            if time.monotonic() > deadline_s:
                raise BenchmarkError(f"{len(received)} members got the first message")
        self._swarm.on_text = None
        return received[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=200, help="unbatched, per round")
    parser.add_argument("--burst", type=int, default=64, help="messages that meet")
    parser.add_argument("--bursts", type=int, default=20, help="per round")
    parser.add_argument("--rounds", type=int, default=15, help="the median is the result")
    parser.add_argument("--content-bytes", type=int, default=16)
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    raw, unbatched, batched = [], [], []
    with _both_sides(options) as (raw_side, chat_side):
        size = chat_side.size
        raw_side.measure(20)
        chat_side.measure(20, 1)
        for _ in range(options.rounds):
            raw.append(raw_side.measure(options.messages))
            unbatched.append(chat_side.measure(options.messages, 1))
            batched.append(chat_side.measure(options.burst * options.bursts, options.burst))
    _report(options, size, raw, unbatched, batched)
    return 0


@contextlib.contextmanager
def _both_sides(options: argparse.Namespace) -> Iterator[tuple[RawSide, ChatSide]]:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        programs = {name: compile_raw(name, directory) for name in ("send_loop", "drain")}
        redis = stack.enter_context(redis_server())
        workers = stack.enter_context(running_workers(redis, ping_interval=240))
        chat_side = ChatSide(programs, workers[0], options)
        stack.callback(chat_side.close)
        raw_side = RawSide(programs, options.members, chat_side.size)
        stack.callback(raw_side.close)
        yield raw_side, chat_side


def _connected_pair(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    reader = socket.create_connection(listener.getsockname())
    sender = listener.accept()[0]
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sender, reader


def _median(rates: Sequence[Rate]) -> Rate:
    return Rate(*(statistics.median(column) for column in zip(*rates, strict=True)))


def _ratio(rates: Sequence[Rate], floors: Sequence[Rate]) -> Rate:
    """Return the median of the rounds' ratios: the machine's speed drifts from round to round."""
    pairs = zip(rates, floors, strict=True)
    return _median([Rate(*map(truediv, rate, floor)) for rate, floor in pairs])


def _report(
    options: argparse.Namespace,
    size: int,
    raw: Sequence[Rate],
    unbatched: Sequence[Rate],
    batched: Sequence[Rate],
) -> None:
    rows = [("raw send() loop", raw), ("chat, unbatched", unbatched), ("chat, batched", batched)]
    print_table(
        (f"{options.members} members, {size} byte frames", "per CPU s", "ratio", "per s", "ratio"),
        [
            (
                name,
                _median(rates).per_cpu_s,
                _ratio(rates, raw).per_cpu_s,
                _median(rates).per_wall_s,
                _ratio(rates, raw).per_wall_s,
            )
            for name, rates in rows
        ],
    )
    alone, together = _ratio(unbatched, raw).per_cpu_s, _ratio(batched, raw).per_cpu_s
    print_target("unbatched, ratio by CPU time", alone, UNBATCHED_TARGET)
    print_target(f"batched by {options.burst}, ratio by CPU time", together, BATCHED_TARGET)
    print_json(
        "fanout",
        {
            "members": options.members,
            "frame_bytes": size,
            "burst": options.burst,
            "raw": _median(raw)._asdict(),
            "unbatched": _median(unbatched)._asdict(),
            "batched": _median(batched)._asdict(),
            "unbatched_ratio": alone,
            "batched_ratio": together,
            "targets": [UNBATCHED_TARGET, BATCHED_TARGET],
            "met": alone >= UNBATCHED_TARGET and together >= BATCHED_TARGET,
            **machine(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
