"""Publish throughput of one worker, as a ratio to Redis alone running the same script.

Each sender is alone in its room and keeps a few messages in flight; a message counts when its
`ack` has arrived. Redis alone is driven by a bare pipeline with as many commands in flight, and
without a subscriber, which makes the ratio look worse than it is, not better.
"""

import argparse
import contextlib
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import hiredis

from benchmarks.load import Load, Result
from benchmarks.swarm import Swarm, plan
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
from benchmarks.wire import STAMP, command_frame
from chat.broker.keys import Keys
from chat.broker.scripts import PLAIN
from chat.protocol.records import encode_body
from chat.settings import Settings
from tests.support.redis_server import RedisServer

_QUIET_S = 1.0


class BareRedis:
    """Publishes with our script over one connection, and does nothing else."""

    def __init__(self, redis: RedisServer, rooms: int, content_bytes: int) -> None:
        self._redis = redis
        self._rooms = rooms
        self._keys = Keys("bare")
        self._content = "x" * content_bytes
        self._history_id = redis.run("INFO", "replication")["master_replid"][:16]
        self._next = 0
        self._settings = Settings()
        redis.run("SCRIPT", "LOAD", PLAIN.room_publish.source)

    def measure(self, in_flight: int, seconds: float) -> tuple[float, float]:
        """Return publishes per second, and per second of Redis' CPU time."""
        reader = hiredis.Reader()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(str(self._redis.socket_path))
            cpu, wall, answered = cpu_s(self._redis.pid), time.monotonic(), 0
            end_s = wall + seconds
            link.sendall(self._commands(in_flight))
            waiting = in_flight
            while waiting:
                reader.feed(link.recv(65536))
                count = 0
                while (answer := reader.gets()) is not False:
                    if not isinstance(answer, list) or answer[0] != b"ok":
                        raise BenchmarkError(f"the script answered {answer!r}")
                    count += 1
                answered += count
                waiting -= count
                if count and time.monotonic() < end_s:
                    link.sendall(self._commands(count))
                    waiting += count
        cpu = cpu_s(self._redis.pid) - cpu
        return answered / (time.monotonic() - wall), answered / cpu

    def _commands(self, count: int) -> bytes:
        return b"".join([self._command() for _ in range(count)])

    def _command(self) -> bytes:
        self._next += 1
        keys, settings = self._keys, self._settings
        room_id, message_id = f"room-{self._next % self._rooms}", f"{self._next:032x}"
        arguments: tuple[str | bytes | int, ...] = (
            "EVALSHA",
            PLAIN.room_publish.digest,
            5,
            keys.stream(room_id),
            keys.history(room_id),
            keys.sent(room_id, "user", message_id),
            keys.slow(room_id, "user"),
            keys.sanctions(room_id),
            keys.channel(room_id),
            self._history_id,
            "epoch",
            message_id,
            encode_body(message_id, "user", None, message_id, self._content),
            settings.history_size,
            int(settings.history_ttl * 1000),
            int(settings.stream_ttl * 1000),
            int(settings.idempotency_window * 1000),
            0,
            "user",
        )
        # The stub knows tuples of one item only.
        command: bytes = hiredis.pack_command(arguments)  # type: ignore[arg-type]
        return command


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("--rooms", type=int, default=64, help="each with one member")
    parser.add_argument("--in-flight", type=int, default=4, help="messages per sender")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--content-bytes", type=int, default=64)
    options = parser.parse_args(argv)
    raise_descriptor_limit()
    with contextlib.ExitStack() as stack:
        program = compile_raw("load", stack.enter_context(temporary_directory()))
        redis = stack.enter_context(redis_server())
        bare = BareRedis(redis, options.rooms, options.content_bytes)
        in_flight = options.rooms * options.in_flight
        bare.measure(in_flight, 0.5)
        bare_per_s, bare_per_cpu_s = bare.measure(in_flight, options.seconds / 2)
        workers = stack.enter_context(running_workers(redis, ping_interval=240))
        swarm = Swarm()
        stack.callback(swarm.close)
        load = joined_load(options, program, workers[0].port, swarm)
        load.keep_in_flight(options.in_flight, 1.0)
        before = cpu_s(workers[0].pid), cpu_s(redis.pid)
        result = load.keep_in_flight(options.in_flight, options.seconds)
        worker_cpu_s = cpu_s(workers[0].pid) - before[0]
        redis_cpu_s = cpu_s(redis.pid) - before[1]
        again_per_s, again_per_cpu_s = bare.measure(in_flight, options.seconds / 2)
    _report(
        options,
        result,
        worker_per_cpu_s=result.samples / worker_cpu_s,
        redis_per_cpu_s=result.samples / redis_cpu_s,
        bare_per_s=(bare_per_s + again_per_s) / 2,
        bare_per_cpu_s=(bare_per_cpu_s + again_per_cpu_s) / 2,
    )
    return 0


def joined_load(options: argparse.Namespace, program: Path, port: int, swarm: Swarm) -> Load:
    swarm.open(plan(port, f"user-{room}", f"room-{room}") for room in range(options.rooms))
    swarm.pump_until_quiet(_QUIET_S, 30.0)
    swarm.release()
    content = "x" * options.content_bytes
    return Load(
        program,
        [
            (
                member,
                command_frame(
                    {
                        "type": "chat_message",
                        "id": STAMP,
                        "roomId": member.plan.room_id,
                        "clientMessageId": STAMP,
                        "content": content,
                    }
                ),
            )
            for member in swarm.members
        ],
    )


def _report(
    options: argparse.Namespace,
    result: Result,
    *,
    worker_per_cpu_s: float,
    redis_per_cpu_s: float,
    bare_per_s: float,
    bare_per_cpu_s: float,
) -> None:
    ratio = result.per_s / bare_per_s
    print_table(
        ("publishes", "per s", "per CPU s of Redis", "per CPU s of the worker", "ratio"),
        (
            ("Redis alone, same script", bare_per_s, bare_per_cpu_s, None, 1.0),
            ("one worker", result.per_s, redis_per_cpu_s, worker_per_cpu_s, ratio),
        ),
    )
    p50_ms, p99_ms = result.latency_ms(0.5), result.latency_ms(0.99)
    in_flight = options.rooms * options.in_flight
    print(f"ack latency with {in_flight} in flight: p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms")
    lost = result.sent - result.samples
    if lost or result.errors:
        print(f"NOT ACKNOWLEDGED: {lost}, of which refused with an error: {result.errors}")
    print_json(
        "publish",
        {
            "rooms": options.rooms,
            "in_flight": in_flight,
            "acks_per_s": result.per_s,
            "acks_per_worker_cpu_s": worker_per_cpu_s,
            "p50_ms": p50_ms,
            "p99_ms": p99_ms,
            "errors": result.errors,
            "redis_alone_per_s": bare_per_s,
            "ratio": ratio,
            **machine(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
