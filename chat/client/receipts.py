"""Up to where one has read a room, as the server is told."""

import asyncio

from chat.client.errors import GoneError
from chat.client.events import Ordered, Position
from chat.client.hearing import Hearing
from chat.client.membership import Membership


class Receipts(Hearing):
    """The part of a room that knows how far one has read.

    Args:
        membership: the room across connections.
    """

    def __init__(self, membership: Membership) -> None:
        super().__init__(membership)
        self._marking = asyncio.Lock()

    @property
    def read_seq(self) -> int | None:
        """Up to where one has read, on any device; None while nothing is known to be read."""
        return self._membership.intake.reading.seq

    @property
    def unread(self) -> int:
        """How many places of the order follow `read_seq`: messages, and events about them."""
        head = self._membership.intake.head
        return 0 if head is None else max(0, head.seq - (self.read_seq or 0))

    async def mark_read(
        self, upto: Ordered | Position | None = None, *, private: bool = False
    ) -> None:
        """Say that one has read up to an event, or to what `events` has handed over last.

        The marker only moves forward. Call it as often as you like: of calls that wait for each
        other, as they do while offline, only the last is sent. One's other devices get a
        `ReadMarker`.

        Args:
            upto: an event, or a place.
            private: other users are not told, where they would be.

        Raises:
            GoneError: the place is of an epoch that means nothing any more.
        """
        position = upto.position if isinstance(upto, Ordered) else upto or self.position
        if position is None:
            return
        reading = self._membership.intake.reading
        reading.read(position, is_private=private)
        async with self._marking:
            untold = reading.untold
            if untold is not None:
                fields = {**untold._asdict(), "private": reading.is_private or None}
                try:
                    await self._ask("mark_read", fields, again=True)
                except GoneError:
                    reading.refused(untold)
                    raise
                reading.told(untold)

    async def mark_delivered(self, upto: Ordered | Position | None = None) -> None:
        """Say that this device has got all up to an event, or what `events` has handed over.

        Forward only, as `mark_read`, and worth telling now and then, not with every event.

        Raises:
            NotAllowedError: the operator has not turned it on (`not_enabled`).
            GoneError: the place is of an epoch that means nothing any more.
        """
        position = upto.position if isinstance(upto, Ordered) else upto or self.position
        if position is not None:
            await self._ask("mark_delivered", position._asdict(), again=True)
