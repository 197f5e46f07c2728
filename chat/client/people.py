"""Who is in a room."""

from collections.abc import AsyncIterator

from chat.client.commands import Commands
from chat.client.errors import ChatError
from chat.client.events import Member, PresencePage


class People(Commands):
    """The part of a room that knows who is there."""

    async def members(self) -> AsyncIterator[Member]:
        """Yield the users in the room, each once; who comes or goes meanwhile may be missing."""
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._ask("presence", {"cursor": cursor}, again=True)
            if not isinstance(page, PresencePage):
                raise ChatError("the server answered something else")
            self._membership.intake.member_count = page.member_count
            for member in page.members:
                if member.user_id not in seen:
                    seen.add(member.user_id)
                    yield member
            cursor = page.cursor
            if cursor is None:
                return
