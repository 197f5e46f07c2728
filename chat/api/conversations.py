"""Private and direct rooms over HTTP: making them, and the rooms of a user."""

from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import name_of
from chat.api.authentication import BODY, Caller
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.query import decode_query
from chat.api.refusals import AUTHENTICATED, IN_ROOM, WITH_BODY
from chat.conversations.asking import (
    ROOMS_PER_COMMAND,
    about_after,
    check_private,
    check_users,
    described,
    direct_users,
)
from chat.conversations.kinds import direct_between
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import ListRooms, Role, check_room_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import RoomCreated, RoomsPage, encode_event
from chat.protocol.http import NewRoom, RoomsOf


class Conversations(Group):
    """The operations on rooms as such; who is in them is for `chat.api.participants`."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms",
                method="POST",
                handler=self.create,
                name="createRoom",
                summary="Make a private room, or open a direct one",
                description=(
                    "Makes a private room with the user of the token as its owner, or with an API "
                    "key `userId`, and invites `userIds`; without `roomId` the server names it. "
                    "With `direct` it opens the direct room of the token's user and `userIds`, or "
                    "with an API key of `userIds`: all take part at once, and the same users get "
                    "the same room. The token has to allow `create` for the id of the room; that "
                    "of a direct room begins with `direct:`."
                ),
                body=NewRoom,
                answer=RoomCreated,
                answers={
                    201: "There is such a room.",
                    200: "The direct room had been there before: `duplicate` is true.",
                },
                errors=(
                    *IN_ROOM,
                    *WITH_BODY,
                    ErrorCode.CONTENT_REFUSED,
                    ErrorCode.ROOM_EXISTS,
                    ErrorCode.TOO_MANY_ROOMS,
                    ErrorCode.TOO_MANY_PARTICIPANTS,
                    ErrorCode.BANNED,
                    ErrorCode.NOT_REPLICATED,
                ),
                scope=Scope.MODERATE,
            ),
            Operation(
                path="/api/v1/users/{userId}/rooms",
                handler=self.rooms,
                name="listRooms",
                summary="Private and direct rooms of a user",
                description=(
                    "The rooms in whose roster the user is, and invitations, in pages. A token "
                    "tells of its own user only; an API key has to cover all rooms (`*`)."
                ),
                command=RoomsOf,
                parameters={
                    "userId": "The user.",
                    "cursor": "Where to continue: the `cursor` of the page before.",
                    "limit": "About how many; short lists come whole.",
                },
                answer=RoomsPage,
                errors=(*AUTHENTICATED, ErrorCode.UNAVAILABLE),
                scope=Scope.READ,
            ),
        ]

    async def create(self, request: Request) -> Response:
        """Make a private room, or open a direct one.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        body = decode_body(request, request.scope[BODY], NewRoom)
        check_users(body.userIds)
        conversations, owner = self._services.conversations, _owner(caller, body)
        if not body.direct:
            room_id = body.roomId or conversations.new_room_id()
            check_room_id(room_id)
            check_private(room_id)
            self._require_create(caller, room_id, len(body.userIds))
            about = await conversations.create(
                owner, room_id, body.userIds, described(body.title, body.topic), name_of(caller)
            )
            return _created(RoomCreated(roomId=room_id, role=Role.OWNER, room=about_after(about)))
        users = direct_users(owner, body.userIds)
        room_id = direct_between(users)
        self._require_create(caller, room_id, len(users))
        again = await conversations.open_direct(users, name_of(caller), room_id)
        return _created(RoomCreated(roomId=room_id, role=Role.MEMBER, duplicate=again))

    def _require_create(self, caller: Caller, room_id: str, users: int) -> None:
        if isinstance(caller, Identity):
            may = caller.capabilities.allows(room_id, Action.CREATE)
            for _ in range(users):
                self._guard.charge_user(caller.user_id, 0)
        else:
            may = caller.allows(Scope.MODERATE, room_id)
        if not may:
            raise CommandError(ErrorCode.FORBIDDEN, "You may not create such a room.")

    async def rooms(self, request: Request) -> Response:
        """Answer a page of a user's rooms.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        user_id = request.path_params["userId"]
        command = decode_query(request.scope["query_string"], None, ListRooms)
        if isinstance(caller, Identity):
            may = caller.user_id == user_id
            for _ in range(command.limit // ROOMS_PER_COMMAND):
                self._guard.charge_user(caller.user_id, 0)
        else:
            may = caller.allows(Scope.READ, "*")
        if not may:
            raise CommandError(ErrorCode.FORBIDDEN, "You may not read the rooms of this user.")
        page = await self._services.directory.rooms(user_id, command)
        return Response(encode_event(page), media_type=JSON)


def _owner(caller: Caller, body: NewRoom) -> str:
    """Return who owns a private room, or one who is in a direct room.

    Raises:
        CommandError: forbidden, invalid_message.
    """
    if isinstance(caller, Identity):
        if body.userId is not None:
            raise CommandError(
                ErrorCode.FORBIDDEN, "A token acts for its own user: leave out `userId`."
            )
        return caller.user_id
    named = body.userId or (body.userIds[0] if body.direct and body.userIds else None)
    if named is None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "With an API key say who owns the room.")
    check_users([named])
    return named


def _created(created: RoomCreated) -> Response:
    return Response(encode_event(created), 200 if created.duplicate else 201, media_type=JSON)
