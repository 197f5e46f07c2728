"""A room itself: what is set of it, and setting it."""

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import answered, name_of
from chat.api.authentication import BODY
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.idempotency import client_id_of
from chat.api.operations import JSON, Operation
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.changes import Unchanged
from chat.broker.link import LinkError
from chat.broker.outcomes import Published, ack_of
from chat.broker.refusals import is_uncertain, not_published
from chat.broker.room_changes import RoomChange
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import check_room_id
from chat.protocol.errors import ErrorCode
from chat.protocol.events import Ack
from chat.protocol.http import ReadRoom, RoomBody, RoomPage

_PATH = "/api/v1/rooms/{roomId}"


class RoomAbout(Group):
    """The operations on what is set of a room."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path=_PATH,
                handler=self.read,
                name="readRoom",
                summary="A room",
                description=(
                    "Its title, topic and rules, as far as they are set, where its order is, and "
                    "the number of its members in the whole cluster. The token has to allow `join` "
                    "in the room."
                ),
                command=ReadRoom,
                parameters={"roomId": "The room."},
                answer=RoomPage,
                errors=(*IN_ROOM, ErrorCode.BANNED),
                scope=Scope.READ,
            ),
            Operation(
                path=_PATH,
                method="PATCH",
                handler=self.change,
                name="changeRoom",
                summary="Change a room",
                description=(
                    "Sets the title, the topic and the rules of a room, which everyone in it is "
                    "told with `room_changed`: null resets a field, what is left out stays as it "
                    "is. The answer names the place of that event; where all was so already it "
                    "has none, and `duplicate` is true. The token has to allow `moderate` in the "
                    "room. A retry with the same `clientMessageId`, or the same `Idempotency-Key`, "
                    "is answered with the place of the first one."
                ),
                command=ReadRoom,
                parameters={"roomId": "The room."},
                headers={
                    "Idempotency-Key": (
                        "The same as `clientMessageId`, as a quoted string. Given both, they have "
                        "to be equal."
                    )
                },
                body=RoomBody,
                answer=Ack,
                answers={200: "It is set."},
                errors=(
                    *IN_ROOM,
                    *WITH_BODY,
                    ErrorCode.CONTENT_REFUSED,
                    ErrorCode.BANNED,
                    ErrorCode.MUTED,
                    ErrorCode.NOT_REPLICATED,
                ),
                scope=Scope.MODERATE,
            ),
        ]

    async def read(self, request: Request) -> Response:
        """Answer what is set of a room.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        services = self._services
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        check_room_id(room_id)
        await self._guard.require(caller, room_id, Action.JOIN)
        if isinstance(caller, Identity):
            await services.moderation.sanctions.require_admitted(room_id, caller.user_id)
        page = await services.broker.read_page(room_id)
        await self._guard.confirm(caller, room_id)
        answer = RoomPage(
            roomId=room_id,
            epoch=page.epoch,
            headSeq=page.head_seq,
            memberCount=page.member_count,
            room=page.about,
        )
        return Response(json.encode(answer), media_type=JSON)

    async def change(self, request: Request) -> Response:
        """Set something of a room.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        check_room_id(room_id)
        await self._guard.require(caller, room_id, Action.MODERATE)
        body = decode_body(request, request.scope[BODY], RoomBody)
        client_id = client_id_of(request.scope, body.clientMessageId)
        user = caller.user if isinstance(caller, Identity) else None
        outcome = await self._services.room_changes.make(
            RoomChange(
                room_id,
                name_of(caller),
                user,
                client_id,
                body,
                is_back_end=not isinstance(caller, Identity),
            )
        )
        if isinstance(outcome, Unchanged):
            return answered(Ack(roomId=room_id, clientMessageId=client_id, duplicate=True))
        if not isinstance(outcome, Published):
            if isinstance(outcome, LinkError):
                self._services.stats.publish_uncertain += is_uncertain(outcome)
            raise not_published(outcome)
        return answered(ack_of(outcome, room_id, client_message_id=client_id))
