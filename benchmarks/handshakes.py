"""Authenticated handshakes per second of worker CPU time.

A handshake is a TCP connection, an upgrade request with a signed token in it, the server's answer
and its `connected`. Tokens are signed beforehand, each for another user.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.swarm import Swarm, plan
from benchmarks.system import (
    Worker,
    cpu_s,
    machine,
    raise_descriptor_limit,
    redis_server,
    running_workers,
)
from benchmarks.table import print_json, print_table, print_target

TARGET_PER_S = 5000.0
_QUIET_S = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handshakes", description=__doc__)
    parser.add_argument("--connections", type=int, default=6000, help="per round")
    parser.add_argument("--concurrency", type=int, default=64, help="handshakes at a time")
    parser.add_argument("--rounds", type=int, default=3, help="the median is the result")
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    with redis_server() as redis, running_workers(redis) as workers:
        _round(workers[0], "warm-up", min(500, options.connections), options.concurrency)
        rounds = [
            _round(workers[0], f"round {number}", options.connections, options.concurrency)
            for number in range(1, options.rounds + 1)
        ]
    by_cpu = statistics.median(cpu for cpu, _ in rounds)
    by_wall = statistics.median(wall for _, wall in rounds)
    print_table(
        ("round", "handshakes per CPU second of the worker", "per second, wall"),
        [(str(number), cpu, wall) for number, (cpu, wall) in enumerate(rounds, 1)]
        + [("median", by_cpu, by_wall)],
    )
    print_target("handshakes per second and core", by_cpu, TARGET_PER_S)
    print_json(
        "handshakes",
        {
            "connections": options.connections,
            "concurrency": options.concurrency,
            "per_cpu_s": by_cpu,
            "per_wall_s": by_wall,
            "target_per_cpu_s": TARGET_PER_S,
            "met": by_cpu >= TARGET_PER_S,
            **machine(),
        },
    )
    return 0


def _round(worker: Worker, name: str, connections: int, concurrency: int) -> tuple[float, float]:
    """Open connections and close them again; only the opening is measured."""
    plans = [plan(worker.port, f"{name}-{number}") for number in range(connections)]
    swarm = Swarm(concurrency)
    cpu, wall = cpu_s(worker.pid), time.monotonic()
    swarm.open(plans)
    wall, cpu = time.monotonic() - wall, cpu_s(worker.pid) - cpu
    swarm.close()
    _wait_idle(worker)
    return connections / cpu, connections / wall


def _wait_idle(worker: Worker) -> None:
    """Wait until the worker is done with the connections that were closed."""
    for _ in range(60):
        before = cpu_s(worker.pid)
        time.sleep(_QUIET_S)
        if cpu_s(worker.pid) - before <= 0.1 * _QUIET_S:
            return


if __name__ == "__main__":
    sys.exit(main())
