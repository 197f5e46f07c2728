"""Many reference clients that chat for a while: who they are, what they send and how fast."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.checker.client import ReferenceClient
from tests.checker.history import History, Members
from tests.checker.sdk import SdkClient
from tests.support.closing import Closing

AnyClient = ReferenceClient | SdkClient


@dataclass(frozen=True)
class Plan:
    """The shape of a workload; the same seed makes the same choices.

    Attributes:
        clients: how many users.
        rooms: how many rooms there are.
        rooms_per_client: in how many of them each user is.
        bursts_per_s: how often each user sends something.
        burst: messages of one burst, sent without waiting for each other's ack.
        changes: part of these that are edits, deletions and reactions instead.
        flappers: how many of the users lose their connection about every second.
        away_s: how long they then stay away, besides their back-off; not those of `sdk`.
        sdk: how many of the users, from the first on, are programs on `chat.client`.
        phones: how many of the users, from the first on, have a second device, a reference client.
        marks_per_s: how often each device says up to where it has read.
        seed: of all randomness.
    """

    clients: int = 10
    rooms: int = 3
    rooms_per_client: int = 2
    bursts_per_s: float = 4.0
    burst: int = 4
    changes: float = 0.3
    flappers: int = 2
    away_s: float = 0.0
    sdk: int = 0
    phones: int = 3
    marks_per_s: float = 4.0
    seed: int = 1

    def room_names(self) -> list[str]:
        """Names of the rooms."""
        return [f"room-{number}" for number in range(self.rooms)]


class Workload(Closing):
    """Clients of a plan, connected while the context lasts, sending between start and stop."""

    def __init__(
        self, plan: Plan, urls: Sequence[str], mint: Callable[[str], str], history: History
    ) -> None:
        self.plan = plan
        self.history = history
        self._rng = random.Random(plan.seed)
        self._urls = urls
        self._mint = mint
        names = [f"u{number}" for number in range(plan.clients)]
        self.clients: list[AnyClient] = [
            self._client(
                SdkClient if number < plan.sdk else ReferenceClient,
                name,
                self._rng.sample(plan.room_names(), plan.rooms_per_client),
            )
            for number, name in enumerate(names)
        ]
        self._flappers = self.clients[: plan.flappers]
        self.clients[:0] = [
            self._client(ReferenceClient, f"{client.name}.phone", client.rooms)
            for client in self.clients[: plan.phones]
        ]
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._sending: list[asyncio.Task[None]] = []
        self._flapping: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()

    def _client(
        self, kind: type[SdkClient] | type[ReferenceClient], name: str, rooms: Sequence[str]
    ) -> AnyClient:
        rng = random.Random(f"{self.plan.seed} {name}")
        return kind(name, rooms, self._urls, self._mint, self.history, rng)

    @property
    def reconnects(self) -> int:
        """How often clients have come back, all together."""
        return sum(max(0, client.sessions - 1) for client in self.clients)

    @property
    def gone(self) -> list[str]:
        """Clients that ended because the server told them not to come back."""
        return [name for name, life in self._lives.items() if life.done()]

    def members(self, room: str) -> list[AnyClient]:
        """Clients that are in a room."""
        return [client for client in self.clients if room in client.rooms]

    async def open(self) -> None:
        """Start all clients."""
        for client in self.clients:
            self._lives[client.name] = asyncio.create_task(client.run(), name=client.name)

    async def close(self) -> None:
        """End all of them."""
        await _end([*self._sending, *self._flapping, *self._lives.values()])

    async def wait_joined(self, timeout_s: float) -> None:
        """Wait until every client is in its rooms."""
        for client in self.clients:
            try:
                async with asyncio.timeout(timeout_s):
                    await client.wait_joined()
            except TimeoutError:
                seen = f"{client.sessions} connections, errors {dict(client.errors)}"
                raise AssertionError(f"{client.name} cannot join: {seen}") from None

    def start(self) -> None:
        """Let all clients send, and the flappers flap."""
        for client in self.clients:
            self._sending.append(asyncio.create_task(self._send(client)))
            self._sending.append(asyncio.create_task(self._mark(client)))
        for client in self._flappers:
            self._flapping.append(asyncio.create_task(self._flap(client)))

    async def stop(self, timeout_s: float) -> int:
        """Stop sending; wait for the acks that are due, return how many senders still lack some."""
        self._over.set()
        await _end(self._flapping)
        _, lacking = await asyncio.wait(self._sending, timeout=timeout_s)
        await _end(self._sending)
        return len(lacking)

    async def retire(self, client: AnyClient) -> None:
        """Let a client leave for good."""
        self.clients.remove(client)
        await _end([self._lives.pop(client.name)])

    def declare_members(self) -> None:
        """Record who is in which room in truth, from now on."""
        for room in self.plan.room_names():
            names = tuple(sorted({client.user for client in self.members(room)}))
            self.history.add(Members(at=time.monotonic(), room=room, members=names))

    async def _send(self, client: AnyClient) -> None:
        rng = random.Random(f"{self.plan.seed} sends {client.name}")
        while not self._over.is_set():
            room = rng.choice(client.rooms)
            size = rng.randint(1, self.plan.burst)
            async with asyncio.TaskGroup() as burst:
                for _ in range(size):
                    is_change = rng.random() < self.plan.changes
                    burst.create_task(client.change(room) if is_change else _said(client, room))
            await asyncio.sleep(rng.expovariate(self.plan.bursts_per_s))

    async def _mark(self, client: AnyClient) -> None:
        rng = random.Random(f"{self.plan.seed} reads {client.name}")
        while not self._over.is_set():
            await asyncio.sleep(rng.expovariate(self.plan.marks_per_s))
            await client.mark(rng.choice(client.rooms))

    async def _flap(self, client: AnyClient) -> None:
        rng = random.Random(f"{self.plan.seed} flaps {client.name}")
        while True:
            await asyncio.sleep(rng.uniform(0.3, 1.5))
            client.cut(self.plan.away_s)


async def _said(client: AnyClient, room: str) -> None:
    await client.send(room)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait for them; what one of them died of is raised."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
