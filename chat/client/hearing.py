"""What happens in a room, as a program reads it."""

from chat.client.buffer import Events
from chat.client.commands import Commands
from chat.client.events import Event, Position
from chat.client.membership import Membership


class Hearing(Commands):
    """The part of a room that listens.

    Args:
        membership: the room across connections.
    """

    def __init__(self, membership: Membership) -> None:
        super().__init__(membership)
        self._position: Position | None = None

    @property
    def position(self) -> Position | None:
        """Up to where `events` has handed over: what `Client.join` takes as `since`."""
        return self._position or self._membership.intake.start

    def events(self) -> Events:
        """Return the iterator over what happens: each event with a place once, in order, no hole.

        It begins where the room was joined, whenever it is called, and there is one of it: two
        tasks must not wait for events of the same room. What one missed while a connection was
        broken comes with the next one; what cannot come any more is a `Gap`.

        `Options.max_buffered` events wait for a slow program. From three quarters of that on it
        gets no typing and presence events; when it is full nothing is kept, and once the program
        has worked off half, the server is asked for all that followed.

        It ends when the room is left or the client closed, and raises `StoppedError` if the client
        had to stop.
        """
        return Events(self._membership.intake.buffer, self._handed_over)

    def _handed_over(self, event: Event) -> None:
        position = getattr(event, "position", None)
        if isinstance(position, Position):
            self._position = position
