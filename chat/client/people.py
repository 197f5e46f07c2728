"""Who is in a room."""

from collections.abc import AsyncIterator, Sequence

from chat.client.commands import Commands
from chat.client.errors import ChatError
from chat.client.events import Member, PresencePage, UserState, UserStates

#: The server tells of so many users at a time.
USERS_AT_ONCE = 100


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

    async def users(self, user_ids: Sequence[str]) -> list[UserState]:
        """Return how some users are, here or not, and when they were last seen."""
        found: list[UserState] = []
        for start in range(0, len(user_ids), USERS_AT_ONCE):
            some = list(user_ids[start : start + USERS_AT_ONCE])
            answer = await self._ask("users", {"userIds": some}, again=True)
            if not isinstance(answer, UserStates):
                raise ChatError("the server answered something else")
            found += answer.users
        return found
