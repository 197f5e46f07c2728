"""Runs `raw/load.c` over connections that are joined already, and reads its result."""

import json
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.swarm import Member
from benchmarks.system import BenchmarkError
from benchmarks.wire import KeepAlive, command_frame

#: What precedes the time in a delivery whose content begins with the stamp, the T included.
CONTENT_MARKER = '"content":"T'
_ACK_MARKER = '"id":"T'


def saying(members: Sequence[Member], content: str) -> list[tuple[Member, bytes]]:
    """Return what each member says in its room, for `Load`; the stamp is part of the content."""
    return [
        (
            member,
            command_frame(
                {"type": "chat_message", "roomId": member.plan.room_id, "content": content}
            ),
        )
        for member in members
    ]


class Result(NamedTuple):
    """What one run of the load measured; latencies are in buckets of (largest ns, samples)."""

    seconds: float
    sent: int
    samples: int
    in_time: int
    errors: int
    refused: int
    closed: int
    late_max_ms: float
    client_cpu_s: float
    buckets: list[tuple[int, int]]

    @property
    def per_s(self) -> float:
        """Samples per second that arrived while messages were being sent."""
        return self.in_time / self.seconds

    def latency_ms(self, quantile: float) -> float:
        """Return the latency that this share of the samples does not exceed."""
        if not self.samples:
            return float("inf")
        seen, wanted = 0, quantile * self.samples
        for top_ns, count in self.buckets:
            seen += count
            if seen >= wanted:
                return top_ns / 1e6
        return self.buckets[-1][0] / 1e6


class Load:
    """A load over some connections.

    Args:
        program: the compiled `raw/load.c`.
        connections: each member and the frame it publishes; an empty one only receives.
        keepalive: the texts of a protocol that pings with messages of its own.
    """

    def __init__(
        self,
        program: Path,
        connections: Sequence[tuple[Member, bytes]],
        keepalive: KeepAlive | None = None,
    ) -> None:
        if not all(member.frames.between_frames for member, _ in connections):
            raise BenchmarkError("a frame was cut when the load took over")
        self._program = program
        self._keepalive = [text.decode() for text in keepalive or ()]
        self._fds = [member.sock.fileno() for member, _ in connections]
        self._stdin = b"".join(
            struct.pack("=II", fd, len(frame)) + frame
            for fd, (_, frame) in zip(self._fds, connections, strict=True)
        )

    def offer(self, per_s: float, seconds: float, receipts: int) -> Result:
        """Publish on schedule; a sample is a message's content at one of its receivers."""
        return self._run("open", per_s, seconds, receipts, CONTENT_MARKER)

    def flood(self, in_flight: int, seconds: float, receipts: int) -> Result:
        """Publish as fast as delivered, with so many messages on their way."""
        return self._run("flood", in_flight, seconds, receipts, CONTENT_MARKER)

    def keep_in_flight(self, per_connection: int, seconds: float) -> Result:
        """Publish as fast as acknowledged; a sample is an answer to a command."""
        return self._run("window", per_connection, seconds, 1, _ACK_MARKER)

    def _run(self, mode: str, amount: float, seconds: float, receipts: int, marker: str) -> Result:
        numbers = [str(amount), str(seconds), str(receipts)]
        process = subprocess.run(
            [str(self._program), mode, *numbers, marker, *self._keepalive],
            input=self._stdin,
            stdout=subprocess.PIPE,
            pass_fds=self._fds,
            timeout=seconds + 30.0,
            check=True,
        )
        found = json.loads(process.stdout)
        return Result(
            seconds=seconds,
            late_max_ms=found.pop("late_max_ns") / 1e6,
            client_cpu_s=found.pop("cpu_ns") / 1e9,
            **found,
        )
