"""Many small rooms under an open load: the highest rate at which latency stays low.

Messages are due on a schedule (exponentially distributed distances) whether or not earlier ones
have arrived. Latency is from the moment a message was due to its receipt by each member, the
sender too, so that a server that falls behind cannot hide it. Members of each room are spread
over all workers, so most messages cross Redis to another process.

The client, Redis and the workers share the cores of one machine.
"""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import Load, Result, saying
from benchmarks.swarm import Swarm, plan
from benchmarks.system import (
    Worker,
    compile_raw,
    cpu_s,
    machine,
    raise_descriptor_limit,
    redis_server,
    running_workers,
    temporary_directory,
)
from benchmarks.table import Cell, print_json, print_table
from benchmarks.wire import STAMP

LIMIT_MS = 50.0
_QUIET_S = 1.5


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_rooms", description=__doc__)
    parser.add_argument("--rooms", type=int, default=200)
    parser.add_argument("--room-size", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8.0, help="per step")
    parser.add_argument("--content-bytes", type=int, default=64)
    parser.add_argument(
        "--rates",
        type=lambda text: [int(rate) for rate in text.split(",")],
        default=[2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000, 20000, 24000],
        help="messages per second of each step; ends after the first step that fails twice",
    )
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    with contextlib.ExitStack() as stack:
        program = compile_raw("load", stack.enter_context(temporary_directory()))
        redis = stack.enter_context(redis_server())
        workers = stack.enter_context(running_workers(redis, options.workers, ping_interval=240))
        swarm = Swarm()
        stack.callback(swarm.close)
        load = _joined_load(options, program, workers, swarm)
        load.offer(options.rates[0], 1.0, options.room_size)
        steps = _climb(options, load, [redis.pid, *(worker.pid for worker in workers)])
    _report(options, steps)
    return 0


def _joined_load(
    options: argparse.Namespace, program: Path, workers: list[Worker], swarm: Swarm
) -> Load:
    padding = "x" * (options.content_bytes - len(STAMP))
    swarm.open(
        plan(
            workers[(room + place) % len(workers)].port,
            f"user-{room}-{place}",
            f"room-{room}",
        )
        for room in range(options.rooms)
        for place in range(options.room_size)
    )
    swarm.pump_until_quiet(_QUIET_S, 30.0)
    swarm.release()
    return Load(program, saying(swarm.members, STAMP + padding))


class Step:
    """One offered rate: its result, and the share of a core each process used."""

    def __init__(self, rate: int, result: Result, cores: list[float]) -> None:
        self.rate = rate
        self.result = result
        self.cores = cores

    def passes(self, room_size: int) -> bool:
        """Whether all messages were sent, all arrived everywhere, and 99 % of them in time."""
        result = self.result
        complete = result.samples == result.sent * room_size
        undisturbed = not (result.errors or result.refused or result.closed)
        return complete and undisturbed and result.latency_ms(0.99) < LIMIT_MS


def _climb(options: argparse.Namespace, load: Load, pids: list[int]) -> list[Step]:
    """Offer more and more, until the server closes connections or a step fails twice."""
    steps = []
    for rate in options.rates:
        for _ in range(2):
            step = _offer(load, rate, options, pids)
            steps.append(step)
            if step.result.closed:
                return steps
            if step.passes(options.room_size):
                break
        else:
            return steps
    return steps


def _offer(load: Load, rate: int, options: argparse.Namespace, pids: list[int]) -> Step:
    before = [cpu_s(pid) for pid in pids]
    result = load.offer(rate, options.seconds, options.room_size)
    used = [cpu_s(pid) - cpu for pid, cpu in zip(pids, before, strict=True)]
    return Step(rate, result, [cpu / options.seconds for cpu in (*used, result.client_cpu_s)])


def _report(options: argparse.Namespace, steps: list[Step]) -> None:
    size = options.room_size
    rows: list[tuple[Cell, ...]] = []
    for step in steps:
        result = step.result
        rows.append(
            (
                step.rate,
                result.per_s,
                *(round(result.latency_ms(quantile), 2) for quantile in (0.5, 0.99, 0.999)),
                result.sent * size - result.samples,
                round(result.late_max_ms, 2),
                " ".join(f"{share:.2f}" for share in step.cores),
                "yes" if step.passes(size) else "no",
            )
        )
    print_table(
        (
            "offered/s",
            "delivered/s",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "missing",
            "client late ms",
            "cores: Redis, workers, client",
            "passes",
        ),
        rows,
    )
    best = max((step.rate for step in steps if step.passes(size)), default=0)
    print(f"highest offered rate with p99 < {LIMIT_MS:.0f} ms and nothing missing: {best:,}/s")
    print_json(
        "small_rooms",
        {
            "rooms": options.rooms,
            "room_size": size,
            "workers": options.workers,
            "highest_rate": best,
            "steps": [
                {
                    "offered": step.rate,
                    "delivered": step.result.per_s,
                    "p50_ms": step.result.latency_ms(0.5),
                    "p99_ms": step.result.latency_ms(0.99),
                    "p999_ms": step.result.latency_ms(0.999),
                    "errors": step.result.errors,
                    "cores": step.cores,
                    "passes": step.passes(size),
                }
                for step in steps
            ],
            **machine(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
