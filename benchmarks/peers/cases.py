"""What is measured of each peer."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.arena import Arena, Shape, Trial, settle
from benchmarks.peers.climb import Climb
from benchmarks.peers.processes import Running
from benchmarks.peers.servers import PROCESSES, Peer
from benchmarks.swarm import Plan, Swarm
from benchmarks.system import cpu_s, kernel_slab_kib, redis_server

Values = dict[str, object]
_SMALL_ROOM = 10
_WARM_UP_S = 1.0
_WORKERS_FOR_100K = 6


class Sizes(NamedTuple):
    """How much is done; the figures of a quick run are rough.

    Attributes:
        trial_s: seconds of each load.
        climb_attempts, climb_refinements: see `Climb`.
        climb_factor: see `Climb`.
        memory_connections: on top of a first tenth, which pays for what is allocated once.
        handshakes, handshake_rounds: the median round counts.
        cost_members: sizes of the one room of the case `cost`.
        cost_idle: idle connections beside a room of 100.
        cost_deliveries_per_s: low enough that messages are seldom delivered together.
        cost_rounds: the median counts.
        cost_trial_s: seconds of each round.
    """

    trial_s: float = 4.0
    climb_attempts: int = 2
    climb_refinements: int = 3
    climb_factor: int = 2
    memory_connections: int = 5000
    handshakes: int = 3000
    handshake_rounds: int = 3
    cost_members: tuple[int, ...] = (10, 100, 1000, 10_000)
    cost_idle: tuple[int, ...] = (0, 1000, 10_000)
    cost_deliveries_per_s: int = 20_000
    cost_rounds: int = 3
    cost_trial_s: float = 2.5

    def climb(self, start: int) -> Climb:
        """Return how to climb from a rate."""
        return Climb(
            start,
            most=start * 1024,
            factor=self.climb_factor,
            refinements=self.climb_refinements,
            attempts=self.climb_attempts,
        )


FULL = Sizes()
QUICK = Sizes(
    trial_s=1.5,
    climb_refinements=1,
    climb_factor=4,
    memory_connections=2000,
    handshakes=1000,
    handshake_rounds=1,
    cost_members=(10, 100, 1000),
    cost_idle=(1000,),
    cost_rounds=1,
    cost_trial_s=1.5,
)


class Case(NamedTuple):
    """A measurement; `peers` names who it is for, None is everyone with rooms."""

    what: str
    measure: Callable[[Peer, Path, Sizes], Values]
    raw_too: bool = False
    ours_and_raw_only: bool = False

    def is_for(self, peer: Peer) -> bool:
        """Whether it says anything about this peer."""
        if peer.fan_out_only:
            return self.raw_too
        return peer.name == "ours" or not self.ours_and_raw_only


def _memory(peer: Peer, _: Path, sizes: Sizes) -> Values:
    count = sizes.memory_connections
    with redis_server(tcp=True) as redis, peer.run(redis, PROCESSES) as running:
        swarm = Swarm(keepalive=peer.dialect.keepalive)
        try:
            swarm.open(_plans(peer, running, "room", range(count // 10)))
            settle(swarm, running)
            before_kib, slab_before_kib = running.memory_kib(), kernel_slab_kib()
            swarm.open(_plans(peer, running, "room", range(count // 10, count + count // 10)))
            settle(swarm, running)
            after_kib, slab_after_kib = running.memory_kib(), kernel_slab_kib()
        finally:
            swarm.close()
    return {
        "connections": count,
        "kib_per_connection": (after_kib - before_kib) / count,
        "kernel_kib_per_connection": (slab_after_kib - slab_before_kib) / count,
        "server_kib": after_kib,
    }


def _handshakes(peer: Peer, _: Path, sizes: Sizes) -> Values:
    with redis_server(tcp=True) as redis, peer.run(redis, PROCESSES) as running:
        _open(peer, running, redis.pid, "warm", sizes.handshakes // 3)
        rounds = [
            _open(peer, running, redis.pid, f"round{number}", sizes.handshakes)
            for number in range(sizes.handshake_rounds)
        ]
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def _open(peer: Peer, running: Running, redis_pid: int, name: str, count: int) -> dict[str, float]:
    """Open connections and close them again; only the opening is measured."""
    plans = list(_plans(peer, running, name, range(count)))
    swarm = Swarm(keepalive=peer.dialect.keepalive)
    try:
        server_s, redis_s = running.cpu_s(), cpu_s(redis_pid)
        wall_s, client_s = time.monotonic(), time.process_time()
        swarm.open(plans)
        wall_s, client_s = time.monotonic() - wall_s, time.process_time() - client_s
        server_s, redis_s = running.cpu_s() - server_s, cpu_s(redis_pid) - redis_s
        settle(swarm, running)
    finally:
        swarm.close()
    settle(swarm=Swarm(), running=running)
    return {
        "per_cpu_s": count / server_s,
        "per_s": count / wall_s,
        "client_cores": client_s / wall_s,
        "redis_cores": redis_s / wall_s,
    }


def _plans(peer: Peer, running: Running, name: str, numbers: range) -> Iterator[Plan]:
    ports = running.ports
    for number in numbers:
        room_id = f"{name}-{number // _SMALL_ROOM}"
        yield peer.dialect.join(ports[number % len(ports)], f"{name}-user-{number}", room_id)


def _rates(
    shape: Shape, limit_ms: float, start: int, in_flight: tuple[int, ...] = ()
) -> Callable[[Peer, Path, Sizes], Values]:
    """Return a case: the highest rate with a low p99, and the most deliveries whatever the p99."""

    def measure(peer: Peer, program: Path, sizes: Sizes) -> Values:
        trials: list[Trial] = []
        with Arena(peer, program, shape) as arena:

            def passes(rate: int) -> bool:
                trials.append(arena.offer(rate, sizes.trial_s))
                return trials[-1].passes(limit_ms)

            arena.offer(start, _WARM_UP_S)
            sizes.climb(start).highest(passes)
            floods = [arena.flood(count, sizes.trial_s) for count in in_flight]
        return _rate_values(trials, floods, limit_ms)

    return measure


def _rate_values(trials: list[Trial], floods: list[Trial], limit_ms: float) -> Values:
    passed = [trial for trial in trials if trial.passes(limit_ms)]
    values: Values = {"messages_per_s": 0, "deliveries_per_s": 0.0, "limit_ms": limit_ms}
    if passed:
        best = max(passed, key=lambda trial: trial.rate)
        values |= {"messages_per_s": best.rate, **_trial_values(best)}
    if floods:
        most = max(*floods, *trials, key=lambda trial: trial.deliveries_per_s)
        values["saturation"] = _trial_values(most)
        values["saturation_per_s"] = most.deliveries_per_s
    return values


def _trial_values(trial: Trial) -> Values:
    return {
        "deliveries_per_s": trial.deliveries_per_s,
        "p50_ms": trial.latency_ms(0.5),
        "p99_ms": trial.latency_ms(0.99),
        "client_late_ms": trial.result.late_max_ms if trial.result else None,
        "cores": trial.cores(),
        "complete": trial.complete,
    }


def _cost(peer: Peer, program: Path, sizes: Sizes) -> Values:
    """Server CPU time of one delivery, as the room grows and as idle connections are added."""
    by_members = {
        str(members): _cost_of(peer, program, sizes, Shape(1, members, min(members, 20)))
        for members in sizes.cost_members
    }
    by_idle = {}
    many = max(sizes.cost_idle) > 20_000
    for idle in sizes.cost_idle:
        if many and peer.fan_out_only and idle > 10_000:
            continue  # one process, which may not have so many descriptors
        processes = _WORKERS_FOR_100K if many else PROCESSES
        by_idle[str(idle)] = _cost_of(peer, program, sizes, Shape(1, 100, 20, idle=idle), processes)
    return {"by_members": by_members, "by_idle": by_idle}


def _cost_of(
    peer: Peer, program: Path, sizes: Sizes, shape: Shape, processes: int = PROCESSES
) -> Values:
    rate = sizes.cost_deliveries_per_s / shape.room_size
    with Arena(peer, program, shape, processes) as arena:
        arena.offer(rate, _WARM_UP_S)
        trials = [arena.offer(rate, sizes.cost_trial_s) for _ in range(sizes.cost_rounds)]
    costs = [
        trial.server_cpu_s / trial.result.samples * 1e6
        for trial in trials
        if trial.result and trial.complete
    ]
    return {
        "cpu_us_per_delivery": statistics.median(costs) if costs else None,
        "idle_us_per_delivery": arena.idle_cores / sizes.cost_deliveries_per_s * 1e6
        if shape.idle
        else None,
    }


CASES = {
    "memory": Case("memory per idle connection, rooms of 10", _memory, raw_too=True),
    "handshakes": Case("connect, upgrade and join, rooms of 10", _handshakes),
    "room1000": Case(
        "one room of 1000, 20 of them publish",
        _rates(Shape(1, 1000, 20), limit_ms=100.0, start=20, in_flight=(16, 64)),
        raw_too=True,
    ),
    "rooms200x5": Case(
        "200 rooms of 5, all publish", _rates(Shape(200, 5, 5), limit_ms=50.0, start=1000)
    ),
    "room10000": Case(
        "one room of 10,000, 20 of them publish",
        _rates(Shape(1, 10_000, 20), limit_ms=500.0, start=2, in_flight=(4, 16)),
        raw_too=True,
    ),
    "cost": Case("server CPU time per delivery", _cost, raw_too=True, ours_and_raw_only=True),
}
#: What `--quick` leaves out unless it is asked for by name.
SLOW_CASES = ("room10000",)
