"""Who belongs to a private or direct room, over HTTP: reading its roster, and changing it."""

from msgspec import ValidationError, convert
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import answered, name_of
from chat.api.authentication import BODY, Caller
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.conversations import Actor
from chat.broker.outcomes import Published, ack_of
from chat.conversations import rules
from chat.conversations.asking import check_users
from chat.conversations.rules import Wish
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import Participants, Role, check_room_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack, ParticipantsPage, encode_event
from chat.protocol.http import ParticipantPath, SeatBody

_CHANGED = {200: "It is so, at this place of the room's order; without one it was so already."}
_REFUSED = (
    *IN_ROOM,
    ErrorCode.BANNED,
    ErrorCode.LAST_OWNER,
    ErrorCode.NOT_REPLICATED,
)
_SEAT = "/api/v1/rooms/{roomId}/participants/{userId}"
_SEAT_PARAMETERS = {"roomId": "The private room.", "userId": "The user."}


class Rosters(Group):
    """The operations on rosters."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms/{roomId}/participants",
                handler=self.participants,
                name="listParticipants",
                summary="Who belongs to a room",
                description=(
                    "The roster of a private or direct room, in pages: who belongs to it, present "
                    "or not, and who is invited. The token's user has to be in it."
                ),
                command=Participants,
                parameters={
                    "roomId": "The room.",
                    "cursor": "Where to continue: the `cursor` of the page before.",
                    "limit": "About how many; small rosters come whole.",
                },
                answer=ParticipantsPage,
                errors=IN_ROOM,
                scope=Scope.READ,
            ),
            Operation(
                path=_SEAT,
                method="PUT",
                handler=self.put,
                name="setParticipant",
                summary="Invite a user, change a role, accept",
                description=(
                    "With a token: invites who is not in the roster, and gives who is in it "
                    "another role; for the token's own user and without a `role` it accepts an "
                    "invitation. With an API key the user takes part at once, in that role."
                ),
                command=ParticipantPath,
                parameters=_SEAT_PARAMETERS,
                body=SeatBody,
                answer=Ack,
                answers=_CHANGED,
                errors=(
                    *_REFUSED,
                    *WITH_BODY,
                    ErrorCode.TOO_MANY_ROOMS,
                    ErrorCode.TOO_MANY_PARTICIPANTS,
                ),
                scope=Scope.MODERATE,
            ),
            Operation(
                path=_SEAT,
                method="DELETE",
                handler=self.delete,
                name="removeParticipant",
                summary="Take a user out of a room, or leave it",
                description=(
                    "Takes the user out, or the invitation back; the token's own user leaves for "
                    "good. Connections and streams of the user end."
                ),
                command=ParticipantPath,
                parameters=_SEAT_PARAMETERS,
                answer=Ack,
                answers=_CHANGED,
                errors=_REFUSED,
                scope=Scope.MODERATE,
            ),
        ]

    async def participants(self, request: Request) -> Response:
        """Answer a page of a roster.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        command = decode_query(request.scope["query_string"], room_id, Participants)
        await self._guard.require(caller, room_id, Action.JOIN)
        page = await self._services.directory.participants(command)
        await self._guard.confirm(caller, room_id)
        return Response(encode_event(page), media_type=JSON)

    async def put(self, request: Request) -> Response:
        """Invite a user, change a role, accept.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        path = _path(request)
        body = decode_body(request, request.scope[BODY], SeatBody)
        wish = await self._wish(caller, path, body)
        return await self._change(caller, path, wish)

    async def _wish(self, caller: Caller, path: ParticipantPath, body: SeatBody) -> Wish:
        role = body.role or Role.MEMBER
        if not isinstance(caller, Identity):
            return rules.SetRole(role)
        if path.userId == caller.user_id and body.role is None:
            return rules.Answer(accept=True)
        seat = await self._services.directory.seat(path.roomId, path.userId)
        return rules.Invite(role) if seat is None or seat.invited else rules.SetRole(role)

    async def delete(self, request: Request) -> Response:
        """Take a user out of a room.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        return await self._change(caller, _path(request), rules.Remove())

    async def _change(self, caller: Caller, path: ParticipantPath, wish: Wish) -> Response:
        is_trusted = not isinstance(caller, Identity)
        if isinstance(caller, Identity):
            leaves = path.userId == caller.user_id and isinstance(wish, rules.Remove)
            may = leaves or caller.capabilities.allows(path.roomId, Action.JOIN)
        else:
            may = caller.allows(Scope.MODERATE, path.roomId)
        if not may:
            raise CommandError(ErrorCode.FORBIDDEN, "You may not change this room.")
        actor = Actor(name_of(caller), is_trusted)
        published = await self._services.conversations.change(actor, path.roomId, path.userId, wish)
        return answered(_ack(path.roomId, published))


def _path(request: Request) -> ParticipantPath:
    check_room_id(request.path_params["roomId"])
    check_users([request.path_params["userId"]])
    try:
        return convert(request.path_params, ParticipantPath)
    except ValidationError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, str(exc)) from None


def _ack(room_id: str, published: Published | None) -> Ack:
    if published is None:
        return Ack(roomId=room_id, duplicate=True)
    return ack_of(published, room_id)
