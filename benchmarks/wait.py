"""What an `ack` costs that waits for a replica: throughput and latency of publishing with WAIT.

One master, one replica and one worker per trial, all on this machine, so that the way to the
replica takes next to no time: what is measured is the price in work, to which a deployment adds
one round trip between its master and its replica. Trials with and without alternate.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import Load, Result
from benchmarks.publish import joined_load
from benchmarks.swarm import Swarm
from benchmarks.system import (
    BenchmarkError,
    compile_raw,
    cpu_s,
    machine,
    raise_descriptor_limit,
    redis_server,
    running_workers,
    temporary_directory,
)
from benchmarks.table import print_json, print_table
from tests.support.redis_server import RedisServer

_LINK_TIMEOUT_S = 10.0


class Trial(NamedTuple):
    """One run of the load: as fast as it goes, and one message per sender at a time."""

    full: Result
    single: Result
    worker_cpu_s: float
    redis_cpu_s: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wait", description=__doc__)
    parser.add_argument("--rooms", type=int, default=64, help="each with one member")
    parser.add_argument("--in-flight", type=int, default=4, help="messages per sender")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each of eight measurements")
    parser.add_argument("--content-bytes", type=int, default=64)
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    trials: dict[int, list[Trial]] = {0: [], 1: []}
    with contextlib.ExitStack() as stack:
        program = compile_raw("load", stack.enter_context(temporary_directory()))
        master = stack.enter_context(redis_server(tcp=True))
        replica = stack.enter_context(redis_server())
        replica.run("REPLICAOF", "127.0.0.1", master.port)
        _wait_linked(replica)
        for replicas in (0, 1, 1, 0):
            trials[replicas].append(_trial(options, program, master, replicas))
    _report(trials)
    return 0


def _wait_linked(replica: RedisServer) -> None:
    deadline_s = time.monotonic() + _LINK_TIMEOUT_S
    while replica.replication()["master_link_status"] != "up":
        if time.monotonic() > deadline_s:
            raise BenchmarkError("the replica does not get through to its master")
        time.sleep(0.05)


def _trial(options: argparse.Namespace, program: Path, redis: RedisServer, replicas: int) -> Trial:
    settings = {"ping_interval": 240, "redis_wait_replicas": replicas}
    with contextlib.ExitStack() as stack:
        (worker,) = stack.enter_context(running_workers(redis, **settings))
        swarm = Swarm()
        stack.callback(swarm.close)
        load: Load = joined_load(options, program, worker.port, swarm)
        load.keep_in_flight(options.in_flight, 0.5)
        before = cpu_s(worker.pid), cpu_s(redis.pid)
        full = load.keep_in_flight(options.in_flight, options.seconds)
        after = cpu_s(worker.pid), cpu_s(redis.pid)
        single = load.keep_in_flight(1, options.seconds)
    if full.refused or single.refused:
        raise BenchmarkError(f"{full.refused + single.refused} messages were refused")
    return Trial(full, single, after[0] - before[0], after[1] - before[1])


def _report(trials: dict[int, list[Trial]]) -> None:
    rows: list[tuple[str | float, ...]] = []
    for replicas, name in ((0, "no WAIT"), (1, "WAIT 1")):
        each = trials[replicas]
        count = len(each)
        rows.append(
            (
                name,
                sum(trial.full.per_s for trial in each) / count,
                sum(trial.full.samples / trial.worker_cpu_s for trial in each) / count,
                sum(trial.full.samples / trial.redis_cpu_s for trial in each) / count,
                sum(trial.single.latency_ms(0.5) for trial in each) / count,
                sum(trial.single.latency_ms(0.99) for trial in each) / count,
            )
        )
    print_table(
        (
            "acks",
            "per s",
            "per CPU s of the worker",
            "per CPU s of Redis",
            "p50 ms, one in flight each",
            "p99 ms",
        ),
        rows,
    )
    names = ("per_s", "per_worker_cpu_s", "per_redis_cpu_s", "p50_ms", "p99_ms")
    without, waiting = (dict(zip(names, row[1:], strict=True)) for row in rows)
    print_json("wait", {"without": without, "with": waiting, **machine()})


if __name__ == "__main__":
    sys.exit(main())
