"""How much a user has not read, for those who have no WebSocket: a digest by mail, say."""

from msgspec import ValidationError, convert
from starlette.requests import Request
from starlette.responses import Response

from chat.api.authentication import Caller
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.query import value_of
from chat.api.refusals import IN_ROOM
from chat.broker.link import LinkError
from chat.broker.pages import room_unread
from chat.conversations.kinds import has_roster
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import UNREAD_ROOMS_PER_COMMAND, check_room_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import UnreadCounts, encode_event
from chat.protocol.http import UnreadOf


class Unread(Group):
    """The operation on unread counts."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/unread",
                handler=self.unread,
                name="readUnread",
                summary="Unread counts of a user",
                description=(
                    "How many places of each room's order, messages and events about them, follow "
                    "the user's read marker. Rooms from which the user is banned, and those with a "
                    "roster that does not have the user, are left out. The token has to allow "
                    "`join` in every room."
                ),
                command=UnreadOf,
                parameters={
                    "roomIds": "The rooms, with commas between.",
                    "userId": "Whose counts: needed with an API key, with a token one's own.",
                },
                answer=UnreadCounts,
                errors=IN_ROOM,
                scope=Scope.READ,
            )
        ]

    async def unread(self, request: Request) -> Response:
        """Answer the unread counts of a user.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        asked = _asked(request.scope["query_string"])
        room_ids = list(dict.fromkeys(asked.roomIds))
        for room_id in room_ids:
            check_room_id(room_id)
            if not has_roster(room_id) or not isinstance(caller, Identity):
                await self._guard.require(caller, room_id, Action.JOIN)
        user_id = asked.userId
        if isinstance(caller, Identity):
            if user_id not in (None, caller.user_id):
                raise CommandError(ErrorCode.FORBIDDEN, "A token tells of its own user only.")
            user_id = caller.user_id
            for _ in range(len(room_ids) // UNREAD_ROOMS_PER_COMMAND):
                self._guard.charge_user(user_id, 0)
        if user_id is None:
            raise CommandError(ErrorCode.INVALID_MESSAGE, "With an API key say `userId`.")
        answers = [(room_id, self._services.markers.ask(room_id, user_id)) for room_id in room_ids]
        rooms = []
        for room_id, answer in answers:
            progress = await answer
            if isinstance(progress, LinkError):
                raise progress
            if progress.ban_ms or (has_roster(room_id) and not await self._may(caller, room_id)):
                continue
            rooms.append(room_unread(room_id, progress))
        return Response(encode_event(UnreadCounts(rooms=rooms)), media_type=JSON)

    async def _may(self, caller: Caller, room_id: str) -> bool:
        """Whether a caller may know of a room with a roster; asked behind what was read."""
        return await self._guard.permits(caller, room_id, Action.JOIN)


def _asked(query: bytes) -> UnreadOf:
    values = {"roomIds": (value_of(query, "roomIds") or "").split(",")}
    user_id = value_of(query, "userId")
    named = {} if user_id is None else {"userId": user_id}
    try:
        return convert({**values, **named}, UnreadOf)
    except ValidationError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, str(exc)) from None
