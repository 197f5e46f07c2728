"""Worker memory per idle connection that is authenticated and in one room.

A first batch of connections pays for everything that is allocated once; the figure is the growth
from there to all connections, divided by their number. Every connection is another user.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks.swarm import Plan, Swarm, plan
from benchmarks.system import (
    BenchmarkError,
    cpu_s,
    kernel_slab_kib,
    machine,
    memory_kib,
    raise_descriptor_limit,
    redis_server,
    running_workers,
)
from benchmarks.table import print_json, print_table, print_target

TARGET_KIB = 2.5
_DESCRIPTORS_FOR_OTHER_THINGS = 300
_QUIET_S = 1.0
_SETTLE_AT_MOST_S = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--connections", type=int, default=15000, help="after the first batch")
    parser.add_argument("--warm-up", type=int, default=500, help="connections in the first batch")
    parser.add_argument("--room-size", type=int, default=10)
    options = parser.parse_args(argv)
    available = raise_descriptor_limit() - _DESCRIPTORS_FOR_OTHER_THINGS
    if options.connections + options.warm_up > available:
        options.connections = available - options.warm_up
        print(f"the descriptor limit allows {options.connections:,} connections here")
    with redis_server() as redis, running_workers(redis) as workers:
        worker, swarm = workers[0], Swarm()
        swarm.open(_plans(worker.port, 0, options.warm_up, options.room_size))
        _settle(swarm, worker.pid)
        before, slab_before = memory_kib(worker.pid), kernel_slab_kib()
        total = options.warm_up + options.connections
        swarm.open(_plans(worker.port, options.warm_up, total, options.room_size))
        _settle(swarm, worker.pid)
        after, slab_after = memory_kib(worker.pid), kernel_slab_kib()
        swarm.close()
    _report(options, before, after, slab_after - slab_before)
    return 0


def _plans(port: int, first: int, end: int, room_size: int) -> list[Plan]:
    return [
        plan(port, f"user-{number}", f"room-{number // room_size}") for number in range(first, end)
    ]


def _settle(swarm: Swarm, pid: int) -> None:
    """Answer pings until the worker has nothing to do and its memory stands still."""
    deadline_s = time.monotonic() + _SETTLE_AT_MOST_S
    while time.monotonic() < deadline_s:
        memory, cpu = memory_kib(pid)["Rss"], cpu_s(pid)
        swarm.pump_for(_QUIET_S)
        grown_kib = abs(memory_kib(pid)["Rss"] - memory)
        if grown_kib <= 64 and cpu_s(pid) - cpu < 0.2 * _QUIET_S:
            return
    raise BenchmarkError(f"the worker did not settle within {_SETTLE_AT_MOST_S} s")


def _report(
    options: argparse.Namespace, before: dict[str, int], after: dict[str, int], slab_kib: int
) -> None:
    connections: int = options.connections
    rss = (after["Rss"] - before["Rss"]) / connections
    dirty = (after["Private_Dirty"] - before["Private_Dirty"]) / connections
    slab = slab_kib / connections
    print_table(
        ("memory per connection", "KiB"),
        (
            ("worker, resident (Rss)", rss),
            ("worker, private (Private_Dirty)", dirty),
            ("kernel (Slab), both ends and everything else on the machine", slab),
        ),
    )
    worst = max(rss, dirty)
    print_target("KiB of worker memory per connection", worst, TARGET_KIB, at_most=True)
    print_json(
        "memory",
        {
            "connections": connections,
            "room_size": options.room_size,
            "rss_kib": rss,
            "private_dirty_kib": dirty,
            "kernel_slab_kib": slab,
            "worker_rss_kib": after["Rss"],
            "target_kib": TARGET_KIB,
            "met": worst <= TARGET_KIB,
            **machine(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
