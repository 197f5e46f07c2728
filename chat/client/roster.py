"""Who belongs to a private room, present or not, and as what."""

from collections.abc import AsyncIterator
from typing import Literal

from chat.client.commands import Commands
from chat.client.errors import ChatError
from chat.client.events import Participant, ParticipantsPage
from chat.client.published import Published

Role = Literal["member", "moderator", "owner"]


class Roster(Commands):
    """The part of a room that knows its participants. What changes them is queued as messages are.

    What it raises besides is `NotAllowedError`: `forbidden` by one's role, or `last_owner`.
    """

    @property
    def role(self) -> str | None:
        """What one is in a private or direct room; None in every other."""
        return self._membership.intake.standing.role

    async def participants(self) -> AsyncIterator[Participant]:
        """Yield who belongs to the room; who comes or goes meanwhile may be missing."""
        cursor: str | None = None
        while True:
            page = await self._ask("participants", {"cursor": cursor}, again=True)
            if not isinstance(page, ParticipantsPage):
                raise ChatError("the server answered something else")
            for participant in page.participants:
                yield participant
            cursor = page.cursor
            if cursor is None:
                return

    async def invite(
        self, user_id: str, *, role: Role = "member", client_message_id: str | None = None
    ) -> Published:
        """Ask a user to take part, which needs a moderator.

        Raises:
            LimitError: the room has as many participants as it may have.
        """
        fields = {"userId": user_id, "role": role}
        return await self._submit("invite_user", client_message_id, fields)

    async def set_role(
        self, user_id: str, role: Role, *, client_message_id: str | None = None
    ) -> Published:
        """Make a participant something else, which needs an owner."""
        return await self._submit("set_role", client_message_id, {"userId": user_id, "role": role})

    async def remove_participant(
        self, user_id: str, *, client_message_id: str | None = None
    ) -> Published:
        """Take a user out of the room, on all connections."""
        return await self._submit("remove_participant", client_message_id, {"userId": user_id})

    async def leave_for_good(self) -> None:
        """Take part no more: `events` ends, and it takes an invitation to come back.

        Raises:
            ConnectionLostError: whether it happened is unknown; doing it again does no harm.
        """
        user_id = self._membership.intake.reading.user_id
        await self._ask("remove_participant", {"userId": user_id}, again=False)
