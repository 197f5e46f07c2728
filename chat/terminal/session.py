"""One visit to a room from a terminal: what is typed is said, what happens is shown."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum

from chat.client import (
    ChatError,
    Client,
    Phase,
    Published,
    RefusedError,
    Room,
    RoomLeft,
    UncertainError,
)
from chat.client.events import Ack, Error
from chat.terminal.lines import LineTooLongError
from chat.terminal.screen import Screen
from chat.terminal.typed import LineError, Wish, wish

#: Lines that are read ahead of what is acknowledged.
READ_AHEAD = 100


class Exit(IntEnum):
    """How a visit ended, as the exit code of the process."""

    DONE = 0
    UNSENT = 1
    KEPT_OUT = 3


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a person or script wants.

    Attributes:
        room_id: the room.
        json: events, and lines if they are objects, as JSON.
        history: so many earlier messages are shown first.
        wait_s: how long the last lines may take to be acknowledged once the input has ended.
    """

    room_id: str
    json: bool = False
    history: int = 0
    wait_s: float = 10.0


class Stop:
    """The wish to end: told once it ends when everything is said, told twice at once."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.hurried = asyncio.Event()

    def tell(self) -> None:
        """Tell it, once more perhaps."""
        if self.wanted.is_set():
            self.hurried.set()
        self.wanted.set()


class Session:
    """A visit that is going on.

    Args:
        visit: what is wanted.
        client: opened.
        screen: where it is shown.
        stop: tells when to end.
    """

    def __init__(self, visit: Visit, client: Client, screen: Screen, stop: Stop) -> None:
        self._visit = visit
        self._client = client
        self._screen = screen
        self._stop = stop
        self._wishes: asyncio.Queue[Wish] = asyncio.Queue(READ_AHEAD)
        self._unsent = 0
        self._failed = 0
        self._kept_out = False
        self._there = asyncio.Event()

    async def run(self, lines: AsyncIterator[str]) -> Exit:
        """Be in the room until the input ends, someone stops it or one is put out."""
        async with asyncio.TaskGroup() as tasks:
            states = tasks.create_task(self._show_states())
            reading = tasks.create_task(self._read(lines))
            visiting = tasks.create_task(self._visit_room())
            stopping = tasks.create_task(self._stop.wanted.wait())
            await _first_of(reading, visiting, stopping)
            reading.cancel()
            finishing = tasks.create_task(self._finish(at_once=stopping.done()))
            await _first_of(visiting, finishing)
            for task in (states, visiting, stopping, finishing):
                task.cancel()
        if self._kept_out:
            return Exit.KEPT_OUT
        if self._unsent:
            self._screen.tell(f"{self._unsent} lines were not acknowledged")
        elif not self._there.is_set() and not self._stop.wanted.is_set():
            self._screen.tell("could not join in time")
            return Exit.KEPT_OUT
        return Exit.UNSENT if self._unsent or self._failed else Exit.DONE

    async def _show_states(self) -> None:
        async for state in self._client.states():
            if state.phase is not Phase.STOPPED:
                self._screen.tell(str(state))

    async def _read(self, lines: AsyncIterator[str]) -> None:
        try:
            async for line in lines:
                await self._read_line(line)
        except (LineTooLongError, OSError) as exc:
            self._failed += 1
            self._screen.tell(f"cannot read on: {exc}")

    async def _read_line(self, line: str) -> None:
        try:
            wanted = wish(line, json=self._visit.json)
        except LineError as exc:
            self._failed += 1
            self._refuse(Error(code="invalid_line", message=str(exc)))
            return
        if wanted is not None:
            self._unsent += 1
            await self._wishes.put(wanted)

    async def _visit_room(self) -> None:
        """Join, show what was and what is, say what is wished; ends when one is put out."""
        try:
            room = await self._client.join(self._visit.room_id)
            self._screen.tell(f"joined {room.room_id}, {room.member_count} here")
            await self._show_past(room)
            self._there.set()
            async with asyncio.TaskGroup() as tasks:
                saying = tasks.create_task(self._say(room))
                async for event in room.events():
                    self._kept_out = isinstance(event, RoomLeft)
                    self._screen.show(event)
                saying.cancel()
        except* ChatError as group:
            self._kept_out = True
            self._screen.tell(str(group.exceptions[0]))

    async def _show_past(self, room: Room) -> None:
        position = room.position
        if not self._visit.history or position is None:
            return
        past = room.history(before=position.seq + 1, limit=self._visit.history)
        for message in reversed([message async for message in past]):
            self._screen.show(message)

    async def _say(self, room: Room) -> None:
        while True:
            wanted = await self._wishes.get()
            try:
                self._acknowledge(await wanted.do(room))
            except UncertainError as exc:
                self._failed += 1
                self._refuse(Error(code="uncertain", message=str(exc), uncertain=True))
            except RefusedError as exc:
                self._failed += 1
                self._refuse(
                    Error(
                        code=exc.code,
                        message=exc.args[0],
                        room_id=exc.room_id,
                        retry_after_ms=exc.retry_after_ms,
                        uncertain=exc.uncertain,
                    )
                )
            self._unsent -= 1
            self._wishes.task_done()

    async def _finish(self, *, at_once: bool) -> None:
        """Wait until everything is said, one is told to hurry, or patience ends."""
        if at_once and not self._unsent:
            return
        try:
            async with asyncio.timeout(self._visit.wait_s), asyncio.TaskGroup() as tasks:
                said = tasks.create_task(self._all_said())
                hurried = tasks.create_task(self._stop.hurried.wait())
                await _first_of(said, hurried)
                said.cancel()
                hurried.cancel()
        except TimeoutError:
            return

    async def _all_said(self) -> None:
        await self._there.wait()
        await self._wishes.join()

    def _acknowledge(self, stored: Published) -> None:
        if self._visit.json:
            self._screen.show(
                Ack(
                    room_id=stored.room_id,
                    epoch=stored.epoch,
                    seq=stored.seq,
                    message_id=stored.message_id or None,
                    client_message_id=stored.client_message_id,
                    timestamp=stored.timestamp,
                    duplicate=stored.duplicate,
                )
            )

    def _refuse(self, error: Error) -> None:
        if self._visit.json:
            self._screen.show(error)
        else:
            self._screen.tell(f"not sent: {error.message}")


async def _first_of(*tasks: asyncio.Task[object]) -> None:
    """Wait until one of some tasks has ended."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
