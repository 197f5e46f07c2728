"""What HAProxy in front costs and saves: relay CPU over TCP and abstract sockets, rooms that stick.

The configuration is that of deploy/haproxy with a door without TLS, so that the relay is measured
and not the cryptography. All ways of the relay lead to the same worker, take turns, and carry the
same messages; the ratio is the median over the rounds.
"""

import argparse
import asyncio
import random
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.load import Load, saying
from benchmarks.swarm import Swarm, plan
from benchmarks.system import (
    BenchmarkError,
    compile_raw,
    cpu_s,
    machine,
    raise_descriptor_limit,
    redis_server,
    temporary_directory,
)
from benchmarks.table import Cell, print_json, print_table
from benchmarks.wire import STAMP
from chat.broker.keys import Keys
from chat.front.servers import addresses_of
from tests.front.certificates import make_certificates
from tests.support.cluster import NO_LIMITS, Supervised
from tests.support.haproxy import Haproxy, servers_file
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer

_QUIET_S = 1.0
_DOOR = """\
frontend plain from common
    bind 127.0.0.1:{port}
    no log
    http-request set-var(txn.room) urlp(room),url_dec
    use_backend workers_by_room if {{ var(txn.room),length gt 0 }}
    default_backend workers_any
"""
#: The same without HTTP, as in l4.cfg.
_BYTES_DOOR = """\
frontend plain from common
    mode tcp
    bind 127.0.0.1:{port}
    no log
    timeout client 75s
    default_backend bytes

backend bytes from common
    mode tcp
    timeout server 75s
    server worker {server}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.front", description=__doc__)
    parser.add_argument("--rate", type=int, default=1500, help="messages per second, rooms of 5")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rooms", type=int, default=300, help="of 5, for the placement")
    parser.add_argument("--workers", type=int, default=4, help="for the placement")
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    with temporary_directory() as folder, redis_server() as redis:
        relay = asyncio.run(_relay(options, redis, folder))
        placed = asyncio.run(_placement(options, redis, folder))
    _report(options, relay, placed)
    return 0


# ---------------------------------------------------------------------- relay


class Cost(NamedTuple):
    """CPU seconds per delivery.

    The kernel delivers over loopback at the sender's cost, so a way between the two shows in both.
    """

    haproxy: float
    worker: float


async def _relay(
    options: argparse.Namespace, redis: RedisServer, folder: Path
) -> dict[str, list[Cost]]:
    """Return what a delivery costs, by way and round."""
    program = compile_raw("load", folder)
    settings = {"worker_sockets": f"abns:front-{unused_port()}-{{slot}}", "redis_prefix": "relay"}
    found: dict[str, list[Cost]] = {}
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(_cluster(redis, 1, **settings))
        [worker] = cluster.worker_pids()
        tcp, abns = [f"127.0.0.1:{cluster.port}"], addresses_of(settings["worker_sockets"], 1)
        ways = {"tcp": (tcp, _DOOR), "abns": (abns, _DOOR), "bytes": (abns, _BYTES_DOOR)}
        loads: dict[str, Load] = {}
        pids: dict[str, int] = {}
        for way, (servers, door) in ways.items():
            found[way] = []
            pids[way], port = await stack.enter_async_context(_front(folder, servers, door))
            swarm = Swarm()
            stack.callback(swarm.close)
            loads[way] = _talkers(swarm, program, port, way)
        for number in range(-1, options.rounds):
            for way, load in loads.items():
                before_s = cpu_s(pids[way]), cpu_s(worker)
                result = load.offer(options.rate, options.seconds, 5)
                if result.errors or result.closed or result.refused:
                    raise BenchmarkError(f"{way}: {result}")
                if number >= 0:  # the first round warms up
                    used_s = cpu_s(pids[way]) - before_s[0], cpu_s(worker) - before_s[1]
                    found[way].append(Cost(*(each / result.samples for each in used_s)))
    return found


def _talkers(swarm: Swarm, program: Path, port: int, way: str) -> Load:
    swarm.open(
        plan(port, f"user-{room}-{place}", f"{way}-{room}")
        for room in range(40)
        for place in range(5)
    )
    swarm.pump_until_quiet(_QUIET_S, 20.0)
    swarm.release()
    return Load(program, saying(swarm.members, STAMP + "x" * 44))


# ------------------------------------------------------------------ placement


async def _placement(
    options: argparse.Namespace, redis: RedisServer, folder: Path
) -> dict[str, dict[int, int]]:
    """Return how many rooms are on how many workers, with rooms in the URL and without."""
    pattern = f"abns:front-{unused_port()}-{{slot}}"
    found: dict[str, dict[int, int]] = {}
    for kind in ("least connected", "by room"):
        prefix = kind.replace(" ", "-")
        settings = {"worker_sockets": pattern, "redis_prefix": prefix}
        async with (
            _cluster(redis, options.workers, **settings),
            _front(folder, addresses_of(pattern, options.workers)) as (_, port),
        ):
            found[kind] = _held(options, redis, Keys(prefix), port, named=kind == "by room")
    return found


def _held(
    options: argparse.Namespace, redis: RedisServer, keys: Keys, port: int, *, named: bool
) -> dict[int, int]:
    rooms = [f"room-{number}" for number in range(options.rooms)]
    plans = [
        plan(port, f"{room}-{place}", room, f"/ws?room={room}" if named else "/ws")
        for room in rooms
        for place in range(5)
    ]
    random.Random(1).shuffle(plans)  # people come in no order
    swarm = Swarm()
    try:
        swarm.open(plans)
        subscribed = redis.run("PUBSUB", "NUMSUB", *(keys.channel(room) for room in rooms))
    finally:
        swarm.close()
    workers = [int(count) for count in subscribed[1::2]]
    return {count: workers.count(count) for count in sorted(set(workers))}


# ------------------------------------------------------------------- together


def _cluster(redis: RedisServer, workers: int, **settings: Any) -> Supervised:
    settings |= {"ping_interval": 240, "log_level": "warning", "drain_timeout": 1.0, **NO_LIMITS}
    return Supervised(redis, workers, trusted_proxies="127.0.0.1", **settings)


@asynccontextmanager
async def _front(
    folder: Path, servers: Sequence[str], text: str = _DOOR
) -> AsyncIterator[tuple[int, int]]:
    """Run a HAProxy; yields the process id of its one worker and the port of the plain door."""
    own = folder / f"front-{unused_port()}"
    own.mkdir()
    port = unused_port()
    door = own / "door.cfg"
    door.write_text(text.format(port=port, server=servers[0].replace(":", "@", 1)))
    certificates = make_certificates(own)
    haproxy = Haproxy(
        own, servers_file(own, servers), certificates.folder, extra=door, maxconn=9000
    )
    async with haproxy:
        [pid] = haproxy.worker_pids()
        yield pid, port


def _report(
    options: argparse.Namespace,
    relay: dict[str, list[Cost]],
    placed: dict[str, dict[int, int]],
) -> None:
    cost = {
        way: Cost(*(statistics.median(part) * 1e6 for part in zip(*costs, strict=True)))
        for way, costs in relay.items()
    }
    ratios = [sum(tcp) / sum(abns) for tcp, abns in zip(relay["tcp"], relay["abns"], strict=True)]
    names = {"tcp": "TCP", "abns": "an abstract socket (abns)", "bytes": "the same, no HTTP"}
    rows: list[tuple[Cell, ...]] = [
        (names[way], each.haproxy, each.worker, sum(each)) for way, each in cost.items()
    ]
    print_table(("CPU per delivery, µs; way to the worker", "HAProxy", "worker", "both"), rows)
    print(f"over TCP both take {statistics.median(ratios):.2f} times what they take over abns")
    print()
    total = options.rooms
    rows = []
    for kind, counts in placed.items():
        apart = total - counts.get(1, 0)
        copies = sum(workers * rooms for workers, rooms in counts.items()) / total
        rows.append((kind, apart, copies))
    print_table(
        (
            f"{total} rooms of 5, {options.workers} workers",
            "rooms on several workers",
            "workers Redis tells of each message",
        ),
        rows,
    )
    print_json(
        "front",
        {
            "cpu_us_per_delivery": {way: each._asdict() for way, each in cost.items()},
            "tcp_to_abns": ratios,
            "rooms_by_workers": {kind: dict(counts) for kind, counts in placed.items()},
            **machine(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
