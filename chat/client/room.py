"""A room as a program uses it."""

from collections.abc import Callable, Coroutine

from chat.client.archive import Archive
from chat.client.membership import Membership
from chat.client.moderation import Moderation
from chat.client.people import People
from chat.client.receipts import Receipts
from chat.client.roster import Roster
from chat.client.rules import Rules
from chat.client.talk import Talk


class Room(Receipts, Talk, Archive, People, Roster, Rules, Moderation):
    """A room one has joined: it stays joined, on whichever connection, until it is left.

    Made by `Client.join`. What changes something needs the right to it in the user's token. It
    raises `RefusedError` where the server refuses for good, and `RoomLeftError` or `StoppedError`
    when one is not in the room any more. If it is cancelled it is not sent, or not again.
    """

    def __init__(
        self,
        membership: Membership,
        *,
        leave: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        super().__init__(membership)
        self._leave = leave

    @property
    def joined(self) -> bool:
        """Whether one is a member and will come back if the connection breaks."""
        return self._membership.error is None

    @property
    def member_count(self) -> int:
        """How many users are in it, as last heard."""
        return self._membership.intake.member_count

    async def leave(self) -> None:
        """Leave the room: `events` ends after what has arrived, unsent commands are dropped."""
        await self._leave()
