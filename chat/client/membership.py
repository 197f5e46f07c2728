"""One room of a client, across connections: joined again from its position, its commands sent.

What arrives goes to an `Intake`, what is said to a `Sender`. `tend` is the one task per room and
connection that joins and sends.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any

from chat.client.asking import ask
from chat.client.connection import Answer, Connection
from chat.client.errors import ChatError, GoneError, RefusedError, RoomLeftError
from chat.client.events import AnyEvent, Event, Position, RoomLeft, Unknown
from chat.client.intake import Intake
from chat.client.options import Options
from chat.client.outbox import Outbox
from chat.client.policy import backoff_s, may_retry, retry_pause_s
from chat.client.published import Published
from chat.client.sender import Sender
from chat.client.signals import Signal

log = logging.getLogger(__name__)


class Membership:
    """A room that one wants to be in.

    Args:
        room_id: the room.
        outbox: where the client's commands wait.
        options: how patient to be, and how much to keep.
        since: the position from which events are wanted; None for from now on.
    """

    def __init__(
        self, room_id: str, outbox: Outbox, options: Options, since: Position | None
    ) -> None:
        self.room_id = room_id
        self.error: ChatError | None = None
        self._wake = asyncio.Event()
        self.sender = Sender(room_id, outbox, self._wake.set)
        self.intake = Intake(
            room_id,
            options.max_buffered,
            since,
            wake=self._wake.set,
            on_echo=self.sender.echoed,
            on_gap=self.sender.lose_sight,
        )
        self._live: Connection | None = None
        self._moved = Signal()

    def take(self, event: AnyEvent | Unknown) -> None:
        """Take an event of this room, in the order of arrival."""
        if isinstance(event, RoomLeft):
            if event.id is None:  # otherwise it is the answer to an own wish
                self.end(RoomLeftError(self.room_id, event.reason, event.message), last=event)
            return
        self.intake.take(event)

    # ------------------------------------------------------------ what is wanted

    async def live(self) -> Connection:
        """Return the connection on which one is a member, waiting for it.

        Raises:
            ChatError: one will not be a member any more.
        """
        while True:
            if self.error is not None:
                raise self.error
            live = self.online()
            if live is not None:
                return live
            await self._moved.wait()

    def online(self) -> Connection | None:
        """Return the connection on which one is a member now, None while there is none."""
        live = self._live
        return None if live is None or live.over else live

    async def submit(self, command: Mapping[str, Any], client_message_id: str) -> Published:
        """Have a command stored; see `Sender.submit`.

        Raises:
            ChatError: also where the room was left, or the client has stopped, before the answer.
        """
        if self.error is not None:
            raise self.error
        return await self.sender.submit(command, client_message_id)

    async def ask(self, command: Mapping[str, Any], *, again: bool) -> Answer:
        """Send a command that is not queued and return its answer.

        Raises:
            ChatError: see `asking.ask`; also where the room was left, or the client has stopped.
        """
        return await ask(self.live, command, again=again)

    def end(self, error: ChatError, last: Event | None = None, *, quietly: bool = True) -> None:
        """One is not a member any more, for good.

        Args:
            error: what who still asks for something is told.
            last: an event that the program shall see.
            quietly: the events just end; otherwise they end with the error.
        """
        if self.error is not None:
            return
        self.error = error
        self.intake.buffer.end(last, None if quietly else error)
        self.sender.fail(error)
        self._moved.fire()
        self._wake.set()

    # -------------------------------------------------------- on one connection

    async def tend(self, connection: Connection) -> None:
        """Be a member on a connection and send what waits, until it ends or the room is left.

        Raises:
            ConnectionLostError: the connection has ended.
        """
        self.sender.connect(connection)
        self.intake.connect(connection.connected.user_id)
        try:
            await self._join(connection)
            self._live = connection
            self._moved.fire()
            while self.error is None:
                self._wake.clear()
                if self.intake.wants_join or self.sender.not_joined:
                    await self._join_again(connection)
                elif not await self._send_next(connection):
                    await self._rest()
        except RefusedError as exc:
            self.end(exc, quietly=False)
        finally:
            self._live = None
            self._moved.fire()

    async def _join(self, connection: Connection) -> None:
        """Join from the position; without it while there is no space for what was missed.

        Raises:
            RefusedError: for good.
            ConnectionLostError: the connection has ended.
        """
        attempt = 0
        while True:
            since = self.intake.ask_since()
            command: dict[str, Any] = {"type": "join_room", "roomId": self.room_id}
            if since is not None:
                command["since"] = since._asdict()
            try:
                await connection.request(command)
            except RefusedError as exc:
                if not may_retry(exc.code, exc.retry_after_ms):
                    raise
                pause_s = retry_pause_s(exc.retry_after_ms, attempt, _random())
            else:
                self.sender.not_joined = False
                await self._tell_again(connection)
                return
            attempt += 1
            await asyncio.sleep(pause_s)

    async def _tell_again(self, connection: Connection) -> None:
        """Say how far one has read, if the server does not know: after the next join if not now.

        Raises:
            ConnectionLostError: the connection has ended.
        """
        reading = self.intake.reading
        untold = reading.untold
        if untold is None:
            return
        command: dict[str, Any] = {"type": "mark_read", "roomId": self.room_id, **untold._asdict()}
        if reading.is_private:
            command["private"] = True
        try:
            await connection.request(command)
        except GoneError:
            reading.refused(untold)
        except RefusedError as exc:
            log.debug("%s: how far one has read was not taken: %s", self.room_id, exc.code)
        else:
            reading.told(untold)

    async def _join_again(self, connection: Connection) -> None:
        """Join once more, not at once where that has led into a hole."""
        holes = self.intake.holes
        if holes:
            await asyncio.sleep(backoff_s(holes, _random(), 0.1, 30.0))
        await self._join(connection)

    async def _send_next(self, connection: Connection) -> bool:
        intake = self.intake
        if not self.sender.settle_doubts(overdue=intake.overdue, complete=intake.complete):
            return False
        return await self.sender.send_next(connection)

    async def _rest(self) -> None:
        """Wait until there may be something to do."""
        try:
            async with asyncio.timeout(self.sender.rest_s()):
                await self._wake.wait()
        except TimeoutError:
            return


def _random() -> float:
    return random.random()  # noqa: S311 - jitter, no secret
