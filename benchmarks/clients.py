"""What a client of the Python SDK weighs beside one of the load-test agent: memory and CPU.

The sides take turns, each round in a process of its own, against the same worker; the result is
the medians of the rounds and their ratios. It decides what the load harness uses which for.
"""

import argparse
import asyncio
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import NamedTuple

from benchmarks import agent
from benchmarks.system import (
    machine,
    memory_kib,
    raise_descriptor_limit,
    redis_server,
    running_workers,
)
from benchmarks.table import Cell, print_json, print_table
from chat.client import ChatMessage, Client, Options, Room
from loadtest.agent.tokens import Signed
from loadtest.scenario import Rooms
from tests.support.tokens import SECRET

_WARM_UP = 20  # pay for what is allocated once
_AT_A_TIME = 32
_ROOM_SIZE = 10
_TOKENS = Signed(SECRET.encode(), "*", 3600.0, {})


class Weight(NamedTuple):
    """What one client costs."""

    idle_bytes: float
    connect_us: float  # CPU, into its room
    delivery_us: float  # CPU, per message that a member received


class Sizes(NamedTuple):
    """How much is measured."""

    idle: int
    agent_idle: int
    members: int
    messages_per_s: float
    seconds: float


#: Weighs a side: the worker's port, the sizes, the number of the round.
Weigher = Callable[[int, Sizes, int], Weight]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=150, help="clients of the SDK, in rooms of 10")
    parser.add_argument("--agent-idle", type=int, default=3000, help="clients of the agent")
    parser.add_argument("--members", type=int, default=50, help="of the room that is talked in")
    parser.add_argument("--messages-per-s", type=float, default=80.0)
    parser.add_argument("--seconds", type=float, default=1.5, help="of talking")
    options = parser.parse_args(argv)
    sizes = Sizes(
        options.idle, options.agent_idle, options.members, options.messages_per_s, options.seconds
    )
    raise_descriptor_limit()
    sdk: list[Weight] = []
    own: list[Weight] = []
    with redis_server() as redis, running_workers(redis) as workers:
        for number in range(options.rounds):
            sdk.append(_apart(_weigh_sdk, workers[0].port, sizes, number))
            own.append(_apart(_weigh_agent, workers[0].port, sizes, number))
    _print(sdk, own)
    return 0


def _apart(weigh: Weigher, port: int, sizes: Sizes, number: int) -> Weight:
    """Weigh in a new process: memory that another side has left behind would be used again."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(weigh, (port, sizes, number))


def _print(sdk: list[Weight], own: list[Weight]) -> None:
    names = ("memory per idle client, bytes", "CPU per connect, µs", "CPU per delivery, µs")
    rows: list[tuple[Cell, ...]] = []
    values: dict[str, object] = {}
    for name, field in zip(names, Weight._fields, strict=True):
        theirs = median(getattr(weight, field) for weight in sdk)
        ours = median(getattr(weight, field) for weight in own)
        rows.append((name, theirs, ours, theirs / ours))
        values |= {f"sdk_{field}": theirs, f"agent_{field}": ours, f"{field}_ratio": theirs / ours}
    print_table(("", "SDK", "agent", "ratio"), rows)
    print_json("clients", {**values, "rounds": len(sdk), **machine()})


# ---------------------------------------------------------------------- agent


def _weigh_agent(port: int, sizes: Sizes, _number: int) -> Weight:
    idle_bytes, connects = agent.idle(port, sizes.agent_idle)
    scenario = agent.talking(sizes.members, sizes.messages_per_s, Rooms(shape="one"))
    deliveries, _ = agent.talk(port, scenario, sizes.seconds)
    return Weight(idle_bytes, 1e6 / connects, 1e6 / deliveries)


# ------------------------------------------------------------------------ SDK


def _weigh_sdk(port: int, sizes: Sizes, number: int) -> Weight:
    return asyncio.run(_sdk(f"ws://127.0.0.1:{port}/ws", sizes, f"sdk-{number}"))


async def _sdk(url: str, sizes: Sizes, name: str) -> Weight:
    async with _inside(url, f"{name}-warm", _WARM_UP, _ROOM_SIZE):
        gc.collect()
        before_kib = memory_kib(os.getpid())["Private_Dirty"]
        cpu_s = time.process_time()
        async with _inside(url, f"{name}-idle", sizes.idle, _ROOM_SIZE):
            connect_s = (time.process_time() - cpu_s) / sizes.idle
            gc.collect()
            grown_kib = memory_kib(os.getpid())["Private_Dirty"] - before_kib
    async with _inside(url, f"{name}-talk", sizes.members, sizes.members) as rooms:
        delivery_s = await _talk(rooms, sizes)
    return Weight(grown_kib * 1024 / sizes.idle, connect_s * 1e6, delivery_s * 1e6)


@asynccontextmanager
async def _inside(url: str, name: str, count: int, room_size: int) -> AsyncIterator[list[Room]]:
    """Bring clients in and give the room of each; close them all at a time."""
    turn = asyncio.Semaphore(_AT_A_TIME)
    clients: list[Client] = []

    async def enter(number: int) -> Room:
        token = _TOKENS.token(number, f"{name}-{number}").decode()
        async with turn:
            client = Client(url, token, options=Options(proxy=None))
            clients.append(client)
            await client.open()
            return await client.join(f"{name}-{number // room_size}")

    try:
        yield await asyncio.gather(*map(enter, range(count)))
    finally:
        await asyncio.gather(*(client.close() for client in clients))


async def _talk(rooms: list[Room], sizes: Sizes) -> float:
    """Say so many messages a second; return CPU seconds per delivery."""
    messages = int(sizes.messages_per_s * sizes.seconds)
    listeners = [asyncio.create_task(_listen(room, messages)) for room in rooms]
    cpu_s, begun_s = time.process_time(), time.monotonic()
    for number in range(messages):
        due_s = begun_s + number / sizes.messages_per_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await rooms[number % len(rooms)].publish("x" * 64)
    await asyncio.gather(*listeners)
    return (time.process_time() - cpu_s) / (messages * len(rooms))


async def _listen(room: Room, messages: int) -> None:
    async for event in room.events():
        messages -= isinstance(event, ChatMessage)
        if not messages:
            return


if __name__ == "__main__":
    sys.exit(main())
