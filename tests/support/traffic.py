"""People who talk in one room for as long as a test lasts, and come back when they are cut off."""

import asyncio
import itertools
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from websockets.exceptions import WebSocketException

from tests.support.client import ChatClient, ClosedError
from tests.support.waiting import until

_PAUSE_S = 0.2
_ARRIVAL_TIMEOUT_S = 30.0


class Talker:
    """One person: connects, joins where they left off, says something every now and then."""

    def __init__(self, name: str, room: str, connect: Callable[[], Any]) -> None:
        self.acknowledged: list[str] = []
        self.seen: Counter[str] = Counter()
        self.connects = 0
        self.gaps = 0
        self.has_joined = False
        self._room = room
        self._connect = connect
        self._position: tuple[str, int] | None = None
        self._unsaid = ""
        self._contents = (f"{name}-{number}" for number in itertools.count())
        self._client: ChatClient | None = None

    async def run(self, everybody: asyncio.Event, enough: asyncio.Event) -> None:
        """Talk once everybody is there until it is enough, then listen until cancelled."""
        while True:
            try:
                async with await self._connect() as client:
                    self._client = client
                    self.connects += 1
                    try:
                        await client.join(self._room, self._position)
                        self.has_joined = True
                        await everybody.wait()
                        await self._talk(client, enough)
                    finally:
                        self._client = None
                        self._take(client)
            except (ClosedError, OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(_PAUSE_S)

    def seen_so_far(self) -> Counter[str]:
        """Count each content over all connections."""
        live = self._client
        return self.seen + (_contents(live, self._room) if live else Counter())

    async def _talk(self, client: ChatClient, enough: asyncio.Event) -> None:
        while not enough.is_set() or self._unsaid:
            self._unsaid = self._unsaid or next(self._contents)
            answer = await client.say(self._room, self._unsaid, client_message_id=self._unsaid)
            if answer["type"] != "error":
                self.acknowledged.append(self._unsaid)
                self._unsaid = ""
            await asyncio.sleep(_PAUSE_S)
        await client.wait_closed(3600.0)

    def _take(self, client: ChatClient) -> None:
        self.seen += _contents(client, self._room)
        self.gaps += sum(event["type"] == "gap" for event in client.received)
        self._position = client.position(self._room) or self._position


def _contents(client: ChatClient, room: str) -> Counter[str]:
    return Counter(event["content"] for event in client.messages(room))


class Traffic:
    """Several talkers for the length of a block; at its end everybody must have seen everything."""

    def __init__(self, people: int, connect: Callable[[str], Any]) -> None:
        room = f"room-{uuid.uuid4().hex[:8]}"  # what was said before is no part of this
        self.talkers = [
            Talker(name, room, partial(connect, name))
            for name in (f"talker{number}" for number in range(people))
        ]
        self._everybody, self._enough = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(talker.run(self._everybody, self._enough))
            for talker in self.talkers
        ]
        await until(
            lambda: all(t.has_joined for t in self.talkers),
            _ARRIVAL_TIMEOUT_S,
            what="everybody's arrival",
        )
        self._everybody.set()
        await until(
            lambda: all(t.acknowledged for t in self.talkers),
            _ARRIVAL_TIMEOUT_S,
            what="everybody's first word",
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._enough.set()
        try:
            if kind is None:
                await until(self._everybody_saw_everything, 30.0, what="the last message")
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if kind is None:
            for talker in self.talkers:
                assert talker.gaps == 0
                assert set(talker.seen.values()) == {1}, "a message came twice"

    def acknowledged(self) -> set[str]:
        """Return all contents that were acknowledged."""
        return {content for talker in self.talkers for content in talker.acknowledged}

    def _everybody_saw_everything(self) -> bool:
        said = self.acknowledged()
        return all(said <= talker.seen_so_far().keys() for talker in self.talkers)
