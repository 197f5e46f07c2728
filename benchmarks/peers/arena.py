"""A peer with joined members, under the loads of a case."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.load import Load, Result
from benchmarks.peers.holder import Holders
from benchmarks.peers.processes import Running
from benchmarks.peers.servers import PROCESSES, Peer
from benchmarks.swarm import Swarm
from benchmarks.system import cpu_s, redis_server
from tests.support.redis_server import RedisServer

_CALM_S = 1.0
_CALM_CORES = 0.1
_CALM_AT_MOST_S = 30.0


class Shape(NamedTuple):
    """Who is where; the members of each room are spread over the server's ports."""

    rooms: int
    room_size: int
    publishers_per_room: int
    idle: int = 0  # connections in other rooms, where nobody says anything


class Trial(NamedTuple):
    """One load and what it cost; without a result the client could not send any more."""

    rate: float
    receipts: int
    result: Result | None
    wall_s: float
    server_cpu_s: float
    redis_cpu_s: float

    @property
    def complete(self) -> bool:
        """Whether everything was sent, everything has arrived and no connection was closed."""
        result = self.result
        if result is None or result.errors or result.refused or result.closed:
            return False
        return result.samples == result.sent * self.receipts

    @property
    def disturbance(self) -> str:
        """Say what a trial lacked that is not complete."""
        result = self.result
        if result is None:
            return "the server took no more frames, or ended"
        counts = {
            "missing": result.sent * self.receipts - result.samples,
            "refused": result.refused,
            "closed": result.closed,
            "errors": result.errors,
        }
        return " ".join(f"{name} {count:,}" for name, count in counts.items() if count)

    @property
    def deliveries_per_s(self) -> float:
        """Deliveries while messages were being sent."""
        return self.result.per_s if self.result else 0.0

    def passes(self, limit_ms: float) -> bool:
        """Whether it is complete and 99 % of the deliveries came in time."""
        p99_ms = self.latency_ms(0.99)
        return self.complete and p99_ms is not None and p99_ms < limit_ms

    def latency_ms(self, quantile: float) -> float | None:
        """Return a quantile of the latency from due to received; None if nothing was received."""
        return self.result.latency_ms(quantile) if self.result and self.result.samples else None

    def cores(self) -> dict[str, float]:
        """Return the CPU time of everyone per second, until the last delivery."""
        if self.result is None:
            return {}
        return {
            "server": self.server_cpu_s / self.wall_s,
            "redis": self.redis_cpu_s / self.wall_s,
            "client": self.result.client_cpu_s / self.wall_s,
        }


class Arena:
    """Server, Redis and members; made anew after a trial that was not complete.

    Such a trial leaves a backlog, or connections that were closed, to the next one.
    """

    def __init__(self, peer: Peer, program: Path, shape: Shape, processes: int = PROCESSES) -> None:
        self.peer = peer
        self.idle_cores = 0.0
        self._program = program
        self._shape = shape
        self._processes = processes
        self._receipts = peer.dialect.receipts(shape.room_size)
        self._stack = contextlib.ExitStack()
        self._parts: tuple[RedisServer, Running, Load] | None = None

    def offer(self, rate: float, seconds: float) -> Trial:
        """Publish so many messages per second, whether or not earlier ones have arrived."""
        return self._measure("offer", rate, seconds)

    def flood(self, in_flight: int, seconds: float) -> Trial:
        """Publish the next message when fewer than so many are on their way."""
        return self._measure("flood", in_flight, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _measure(self, kind: str, amount: float, seconds: float) -> Trial:
        redis, running, load = self._parts or self._set_up()
        wall_s, server_s, redis_s = time.monotonic(), running.cpu_s(), cpu_s(redis.pid)
        try:
            if kind == "offer":
                result = load.offer(amount, seconds, self._receipts)
            else:
                result = load.flood(int(amount), seconds, self._receipts)
            server_s, redis_s = running.cpu_s() - server_s, cpu_s(redis.pid) - redis_s
        except (subprocess.SubprocessError, ProcessLookupError):
            result = None
        wall_s = time.monotonic() - wall_s
        trial = Trial(amount, self._receipts, result, wall_s, server_s, redis_s)
        _say(self.peer, kind, trial)
        if not trial.complete:
            self._tear_down()
        return trial

    def _set_up(self) -> tuple[RedisServer, Running, Load]:
        peer, dialect, shape = self.peer, self.peer.dialect, self._shape
        redis = self._stack.enter_context(redis_server(tcp=True))
        running = self._stack.enter_context(peer.run(redis, self._processes))
        holders = self._stack.enter_context(Holders(peer, running.ports, shape.idle))
        swarm = Swarm(keepalive=dialect.keepalive)
        self._stack.callback(swarm.close)
        ports = running.ports
        swarm.open(
            dialect.join(ports[(room + place) % len(ports)], f"user-{room}-{place}", f"room-{room}")
            for room in range(shape.rooms)
            for place in range(shape.room_size)
        )
        settle(swarm, running)
        self.idle_cores = _idle_cores(running) if holders.count else 0.0
        swarm.release()
        connections = [
            (
                member,
                dialect.publish(f"user-{number}", f"room-{number // shape.room_size}")
                if number % shape.room_size < shape.publishers_per_room
                else b"",
            )
            for number, member in enumerate(swarm.members)
        ]
        self._parts = redis, running, Load(self._program, connections, dialect.keepalive)
        return self._parts

    def _tear_down(self) -> None:
        self._stack.close()
        self._parts = None


def settle(swarm: Swarm, running: Running) -> None:
    """Read until the server has little to do and no frame has come in part."""
    deadline_s = time.monotonic() + _CALM_AT_MOST_S
    while time.monotonic() < deadline_s:
        before_s = running.cpu_s()
        swarm.pump_for(_CALM_S)
        if running.cpu_s() - before_s < _CALM_CORES * _CALM_S and all(
            member.frames.between_frames for member in swarm.members
        ):
            return


def _idle_cores(running: Running) -> float:
    before_s = running.cpu_s()
    time.sleep(2 * _CALM_S)
    return (running.cpu_s() - before_s) / (2 * _CALM_S)


def _say(peer: Peer, kind: str, trial: Trial) -> None:
    """Tell on standard error how it goes."""
    parts = [f"{peer.name}: {kind} {trial.rate:g}, {trial.deliveries_per_s:,.0f} deliveries/s"]
    if (p99_ms := trial.latency_ms(0.99)) is not None:
        parts.append(f"p99 {p99_ms:.1f} ms")
    parts.extend(f"{name} {share:.2f}" for name, share in trial.cores().items())
    if not trial.complete:
        parts.append(f"INCOMPLETE: {trial.disturbance}")
    print("  " + ", ".join(parts), file=sys.stderr, flush=True)
