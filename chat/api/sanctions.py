"""Moderating a room without a connection: the acts of the protocol, and the list of what holds."""

import time
from functools import partial

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import DONE, act_of, answered
from chat.api.authentication import BODY
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.sanctions import Listed
from chat.conversations.kinds import has_roster
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.moderation.acts import TIMED, Kind
from chat.protocol.commands import check_room_id
from chat.protocol.errors import ErrorCode
from chat.protocol.events import Ack
from chat.protocol.moderation import (
    InRoom,
    ListSanctions,
    OnUser,
    OnUserForAWhile,
    Sanction,
    SanctionsPage,
)

_ACTS = {
    Kind.KICK: (
        "Put a user out of a room",
        "On all connections, in the whole cluster. The user may come back.",
    ),
    Kind.BAN: (
        "Ban a user from a room",
        "Puts the user out on all connections and refuses every join, for `durationMs` or until "
        "the ban is lifted. The user need not be online, nor the room exist.",
    ),
    Kind.UNBAN: ("Lift a ban", "It does no harm if there is none."),
    Kind.MUTE: (
        "Mute a user in a room",
        "The user reads on and may not write, for `durationMs` or until the mute is lifted.",
    ),
    Kind.UNMUTE: ("Lift a mute", "It does no harm if there is none."),
}


class Sanctioning(Group):
    """The operations on who may be and write in a room."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        acts = [self._act(kind, *words) for kind, words in _ACTS.items()]
        return [
            *acts,
            Operation(
                path="/api/v1/rooms/{roomId}/sanctions",
                handler=self.page,
                name="listSanctions",
                summary="Bans and mutes of a room",
                description=(
                    "Who is banned or muted, since when, until when and by whom, in pages. A "
                    "sanction that holds all the while appears at least once, maybe twice. The "
                    "token has to allow `moderate` in the room."
                ),
                command=ListSanctions,
                parameters={
                    "roomId": "The room.",
                    "cursor": "Where to continue: the `cursor` of the page before.",
                    "limit": "About how many; short lists come whole.",
                },
                answer=SanctionsPage,
                errors=IN_ROOM,
                scope=Scope.MODERATE,
            ),
        ]

    def _act(self, kind: Kind, summary: str, description: str) -> Operation:
        return Operation(
            path=f"/api/v1/rooms/{{roomId}}/{kind.value}",
            method="POST",
            handler=partial(self.act, kind),
            name=f"{kind.value}User",
            summary=summary,
            description=f"{description} The token has to allow `moderate` in the room.",
            command=InRoom,
            parameters={"roomId": "The room."},
            body=_body_of(kind),
            answer=Ack,
            answers=DONE,
            errors=(*IN_ROOM, *WITH_BODY, ErrorCode.BANNED),
            scope=Scope.MODERATE,
        )

    async def act(self, kind: Kind, request: Request) -> Response:
        """Kick, ban, mute, or lift one of these.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        check_room_id(room_id)
        await self._guard.require(caller, room_id, Action.MODERATE)
        body = decode_body(request, request.scope[BODY], _body_of(kind))
        if isinstance(caller, Identity) and has_roster(room_id):
            by_token = caller.capabilities.allows(room_id, Action.MODERATE)
            await self._services.directory.require_above(
                room_id, caller.user_id, body.userId, by_token=by_token
            )
        await self._services.moderation.act(
            act_of(
                kind,
                caller,
                body.userId,
                body.reason,
                room_id=room_id,
                duration_ms=getattr(body, "durationMs", None),
            )
        )
        return answered(Ack(roomId=room_id))

    async def page(self, request: Request) -> Response:
        """Answer some of what holds in a room.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        asked = decode_query(request.scope["query_string"], room_id, ListSanctions)
        await self._guard.require(caller, room_id, Action.MODERATE)
        following, listed = await self._services.moderation.sanctions.page(
            room_id, asked.cursor, asked.limit
        )
        now_ms = time.time() * 1000
        page = SanctionsPage(
            roomId=room_id,
            sanctions=[
                _sanction(one) for one in listed if one.ends_ms is None or one.ends_ms > now_ms
            ],
            cursor=None if following == "0" else following,
        )
        return Response(json.encode(page), media_type=JSON)


def _body_of(kind: Kind) -> type[OnUser]:
    return OnUserForAWhile if kind in TIMED else OnUser


def _sanction(listed: Listed) -> Sanction:
    return Sanction(
        userId=listed.user_id,
        kind=listed.kind.value,
        since=listed.at_ms,
        endsAt=listed.ends_ms,
        by=listed.by,
        reason=listed.reason,
    )
