"""What the load-test agent itself costs: memory per idle client, connects and deliveries per CPU s.

The agent's engine runs in this process, without a coordinator, against one worker.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.system import (
    BenchmarkError,
    machine,
    memory_kib,
    raise_descriptor_limit,
    redis_server,
    running_workers,
)
from benchmarks.table import Cell, print_json, print_table, print_target
from loadtest.agent.dialer import Dialer
from loadtest.agent.engine import Engine
from loadtest.agent.tokens import Signed
from loadtest.control import Assignment, Counts, Phase, Target
from loadtest.scenario import Connections, Rooms, Scenario, Traffic
from tests.support.tokens import SECRET

BYTES_TARGET, CONNECTS_TARGET, DELIVERIES_TARGET = 700.0, 8000.0, 150_000.0
_STALL_TIMEOUT_S = 60.0
_TURNS_PER_LOOK = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent", description=__doc__)
    parser.add_argument("--clients", type=int, default=10000, help="idle, in rooms of 10")
    parser.add_argument(
        "--members", type=int, default=500, help="of the one room that is talked in"
    )
    parser.add_argument("--messages-per-s", type=float, default=100.0)
    parser.add_argument("--small-rooms", action="store_true", help="rooms of 10 instead of one")
    parser.add_argument("--seconds", type=float, default=8.0, help="of talking")
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    with redis_server() as redis, running_workers(redis) as workers:
        idle_bytes, connects = idle(workers[0].port, options.clients)
        scenario = talking(
            options.members,
            options.messages_per_s,
            Rooms(shape="fixed" if options.small_rooms else "one"),
        )
        deliveries, lag_ms = talk(workers[0].port, scenario, options.seconds)
    rows: list[tuple[Cell, ...]] = [
        ("agent memory per idle client, bytes", round(idle_bytes)),
        ("connects per CPU second of the agent", round(connects)),
        ("deliveries per CPU second of the agent", round(deliveries)),
        ("longest turn of its loop while talking, ms", round(lag_ms, 1)),
    ]
    print_table(("of one agent", ""), rows)
    print_target("bytes per idle client", idle_bytes, BYTES_TARGET, at_most=True)
    print_target("connects per CPU second", connects, CONNECTS_TARGET)
    print_target("deliveries per CPU second", deliveries, DELIVERIES_TARGET)
    print_json(
        "agent",
        {
            "clients": options.clients,
            "bytes_per_client": idle_bytes,
            "connects_per_cpu_s": connects,
            "deliveries_per_cpu_s": deliveries,
            **machine(),
        },
    )
    return 0


def idle(port: int, clients: int) -> tuple[float, float]:
    """Have clients join rooms of 10; return bytes per client and connects per CPU second."""
    before_kib = memory_kib(os.getpid())["Private_Dirty"]
    engine = _engine(port, Scenario(title="idle", connections=_arriving(clients)))
    cpu_s = time.process_time()
    engine.start(time.monotonic_ns())
    _turn_until(engine, lambda counts: counts.connected == clients)
    cpu_s = time.process_time() - cpu_s
    grown_kib = memory_kib(os.getpid())["Private_Dirty"] - before_kib
    engine.close()
    return grown_kib * 1024 / clients, clients / cpu_s


def talking(members: int, messages_per_s: float, rooms: Rooms) -> Scenario:
    """Return a scenario in which members talk."""
    return Scenario(
        title="talk",
        connections=_arriving(members),
        rooms=rooms,
        traffic=Traffic(messages_per_s=messages_per_s),
    )


def talk(port: int, scenario: Scenario, seconds: float) -> tuple[float, float]:
    """Have them talk; return deliveries per CPU second and the loop's longest turn in ms."""
    members = scenario.connections.count
    engine = _engine(port, scenario)
    engine.start(time.monotonic_ns())
    _turn_until(engine, lambda counts: counts.connected == members)
    engine.begin(Phase(name="hold", at_ns=time.monotonic_ns()))
    engine.begin(Phase(name="warm_up", at_ns=time.monotonic_ns()))
    engine.reports()
    before, cpu_s, end_s = engine.counts().deliveries, time.process_time(), time.monotonic()
    end_s += seconds
    lag_ms = 0.0
    while time.monotonic() < end_s:
        engine.turn()
        for report in engine.reports():
            lag_ms = max(lag_ms, report.loop_lag_ms)
    cpu_s = time.process_time() - cpu_s
    deliveries = engine.counts().deliveries - before
    engine.close()
    print(f"{deliveries:,} deliveries, {cpu_s:.1f} CPU s of {seconds} s")
    return deliveries / cpu_s, lag_ms


def _arriving(clients: int) -> Connections:
    return Connections(count=clients, ramp_per_s=100_000.0)


def _engine(port: int, scenario: Scenario) -> Engine:
    target = Target(
        url=f"ws://127.0.0.1:{port}/ws",
        source_addresses=tuple(f"127.0.1.{number}" for number in range(1, 9)),
    )
    assignment = Assignment(
        scenario=scenario,
        target=target,
        agents=1,
        first_client=0,
        clients=scenario.connections.count,
        seed=1,
        clock_offset_ns=0,
        clock_error_ns=0,
    )
    return Engine(assignment, Dialer(target), Signed(SECRET.encode(), "*", 3600.0, {}))


def _turn_until(engine: Engine, condition: Callable[[Counts], bool]) -> None:
    deadline_s = time.monotonic() + _STALL_TIMEOUT_S
    while not condition(engine.counts()):
        for _ in range(_TURNS_PER_LOOK):
            engine.turn()
        engine.reports()
        if time.monotonic() > deadline_s:
            raise BenchmarkError(f"the clients did not all come in: {engine.counts()}")


if __name__ == "__main__":
    sys.exit(main())
