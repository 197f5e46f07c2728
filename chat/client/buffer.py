"""Events that wait for the program: a bounded queue with one reader."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from chat.client.events import Event


class EventBuffer:
    """Events of one room on their way to the program.

    Args:
        limit: so many events wait at most.
        on_space: called when the program has caught up with half of it.
    """

    def __init__(self, limit: int, on_space: Callable[[], None]) -> None:
        self._limit = limit
        self._on_space = on_space
        self._events: deque[Event] = deque()
        self._arrived: asyncio.Future[None] | None = None
        self._over = False
        self._error: Exception | None = None

    def __len__(self) -> int:
        return len(self._events)

    @property
    def roomy(self) -> bool:
        """Whether half of it is free."""
        return len(self._events) <= self._limit // 2

    def put(self, event: Event) -> bool:
        """Add an event; False if there is no space for it."""
        if self._over or len(self._events) >= self._limit:
            return False
        self._add(event)
        return True

    def put_passing(self, event: Event) -> None:
        """Add an event that nobody misses much: left out when three quarters are taken."""
        if not self._over and len(self._events) < self._limit * 3 // 4:
            self._add(event)

    def end(self, last: Event | None = None, error: Exception | None = None) -> None:
        """Nothing follows but a last event, and an error if there is one; the first call counts."""
        if self._over:
            return
        self._over = True
        self._error = error
        if last is not None:
            self._events.append(last)
        self._wake()

    async def get(self) -> Event:
        """Return the next event, waiting for it.

        Raises:
            StopAsyncIteration: that was all.
            RuntimeError: somebody else is waiting for it.
            Exception: what it ended with.
        """
        while not self._events:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            if self._arrived is not None:
                raise RuntimeError("the events of a room have one reader")
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        was_roomy = self.roomy
        event = self._events.popleft()
        if self.roomy and not was_roomy:
            self._on_space()
        return event

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


class Events(AsyncIterator[Event]):
    """The iterator over a room's events; leaving it and coming back loses nothing.

    Args:
        buffer: where they wait.
        on_event: called with each one when it is handed over.
    """

    def __init__(self, buffer: EventBuffer, on_event: Callable[[Event], None]) -> None:
        self._buffer = buffer
        self._on_event = on_event

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        event = await self._buffer.get()
        self._on_event(event)
        return event
