"""Following a room without a WebSocket: server-sent events, resumed where they broke off."""

from starlette.requests import Request
from starlette.responses import Response

from chat.api.event_stream import EventStream
from chat.api.group import Group
from chat.api.head import head_of
from chat.api.operations import EVENT_STREAM, Operation
from chat.api.problems import HttpCode
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM
from chat.api.sse import parse_position
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import Since
from chat.protocol.errors import ErrorCode
from chat.protocol.events import (
    Drain,
    Gap,
    MemberCount,
    MembershipChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantChanged,
    ReactionAdded,
    ReactionRemoved,
    TypingChanged,
    UserJoined,
    UserLeft,
)
from chat.protocol.http import Follow, StreamClosed, StreamOpened

LAST_EVENT_ID = "Last-Event-ID"


class Events(Group):
    """The operation that streams."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms/{roomId}/events",
                handler=self.events,
                name="followRoom",
                summary="Events of a room as they happen",
                description=(
                    "A stream of server-sent events: `event` is an event's type, `data` the event "
                    "as on a WebSocket, `id` the position after it, `epoch:seq`. The first is "
                    "`stream_opened`. A client that comes back with the id it has seen last gets "
                    "what it missed, without a hole and without a duplicate; what cannot be had "
                    "any more is told as `gap`. Who reads is no member of the room. The stream "
                    "ends with its token (`stream_closed`), when the client reads too slowly "
                    "(`stream_closed`) and when the server leaves (`drain`). The token has to "
                    "allow `join` in the room."
                ),
                command=Follow,
                parameters={
                    "roomId": "The room.",
                    "since": (
                        "The last position seen, `epoch:seq`, where there is no `Last-Event-ID`, "
                        "which goes before. Without either, the stream begins now."
                    ),
                },
                headers={LAST_EVENT_ID: "The `id` of the last event that was received."},
                answer=(
                    StreamOpened,
                    Message,
                    MessageEdited,
                    MessageDeleted,
                    ReactionAdded,
                    ReactionRemoved,
                    ParticipantChanged,
                    MembershipChanged,
                    Gap,
                    UserJoined,
                    UserLeft,
                    MemberCount,
                    TypingChanged,
                    Drain,
                    StreamClosed,
                ),
                answers={200: "Events, until the client or the server ends the stream."},
                media_type=EVENT_STREAM,
                errors=(*IN_ROOM, ErrorCode.BANNED, HttpCode.TOO_MANY_STREAMS),
                scope=Scope.READ,
            )
        ]

    async def events(self, request: Request) -> Response:
        """Open a stream.

        Raises:
            CommandError: the request is refused.
        """
        caller = await self._guard.admit(request, joins=1, in_query=True)
        room_id = request.path_params["roomId"]
        asked = decode_query(request.scope["query_string"], room_id, Follow)
        await self._guard.require(caller, room_id, Action.JOIN)
        since = _since(head_of(request.scope).headers.get_all(LAST_EVENT_ID), asked)
        if request.method == "HEAD":
            return Response(media_type=EVENT_STREAM)
        identity = caller if isinstance(caller, Identity) else None
        return EventStream(self._services, room_id, identity, since)


def _since(last_ids: list[str], asked: Follow) -> Since | None:
    """Return where to go on; a client that reconnects keeps its address and adds the header."""
    if last_ids and last_ids[-1]:
        return parse_position(last_ids[-1], LAST_EVENT_ID)
    return None if asked.since is None else parse_position(asked.since, "since")
