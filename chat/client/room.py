"""A room as a program uses it."""

from collections.abc import Callable, Coroutine
from pathlib import Path

from chat.client.archive import Archive
from chat.client.events import Attachment
from chat.client.membership import Membership
from chat.client.moderation import Moderation
from chat.client.people import People
from chat.client.receipts import Receipts
from chat.client.roster import Roster
from chat.client.rules import Rules
from chat.client.talk import Talk
from chat.client.uploads import Progress, Uploads


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
        uploads: Uploads,
    ) -> None:
        super().__init__(membership)
        self._leave = leave
        self._uploads = uploads

    @property
    def joined(self) -> bool:
        """Whether one is a member and will come back if the connection breaks."""
        return self._membership.error is None

    @property
    def member_count(self) -> int:
        """How many users are in it, as last heard."""
        return self._membership.intake.member_count

    async def upload(
        self,
        file: bytes | Path,
        *,
        name: str | None = None,
        on_progress: Progress | None = None,
    ) -> Attachment:
        """Upload a file that a message in this room is to bring along.

        It goes over HTTP and needs no connection of the client.

        Args:
            file: its bytes, or where it is.
            name: what it is called; that of the path by default.
            on_progress: is called in the event loop with the bytes sent and the bytes there are.

        Raises:
            RefusedError: the server does not take it: `file_too_large`, `file_type_refused`,
                `rate_limited`.
            ConnectionLostError: it did not arrive; try it again.
            OSError: the file cannot be read.

        Cancellation: it is not uploaded, or it is and nobody knows of it.
        """
        return await self._uploads.upload(self.room_id, file, name, on_progress)

    async def leave(self) -> None:
        """Leave the room: `events` ends after what has arrived, unsent commands are dropped."""
        await self._leave()
