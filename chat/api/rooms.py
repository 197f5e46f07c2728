"""Reading rooms: their history and who is in them. The answers are the protocol's events."""

from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from chat.api.authentication import Caller
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM
from chat.broker.pages import history_page, presence_page
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import History, Presence
from chat.protocol.errors import ErrorCode
from chat.protocol.events import HistoryPage, PresencePage, encode_event

C = TypeVar("C", History, Presence)


class Rooms(Group):
    """The operations on rooms."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms/{roomId}/history",
                handler=self.history,
                name="readHistory",
                summary="Messages of a room",
                description=(
                    "A page of stored messages in rising `seq`: the last ones, or those before or "
                    "after a `seq`. `more` says whether the page has a successor: older messages "
                    "when reading backwards, newer ones with `after`. Edits, deletions and "
                    "reactions are folded in. A page covers `fromSeq` to `toSeq` and may hold "
                    "fewer messages than `limit`, even none: go on with `before` or `after` as "
                    "long as there is `more`. The token has to allow `join` in the room."
                ),
                command=History,
                parameters={
                    "roomId": "The room.",
                    "before": "Only messages with a lower `seq`. Not together with `after`.",
                    "after": "Only messages with a higher `seq`. Not together with `before`.",
                    "epoch": (
                        "The epoch that `before` or `after` belongs to: the page is refused with "
                        "`epoch_changed` when the position no longer means what it did."
                    ),
                    "limit": "The most messages in the page.",
                    "threadId": "Only the message with this id and the replies in its thread.",
                },
                answer=HistoryPage,
                errors=(*IN_ROOM, ErrorCode.EPOCH_CHANGED, ErrorCode.BANNED),
                scope=Scope.READ,
            ),
            Operation(
                path="/api/v1/rooms/{roomId}/presence",
                handler=self.presence,
                name="readPresence",
                summary="Members of a room",
                description=(
                    "The number of users in a room, in the whole cluster, and a page of them. "
                    "`cursor` continues the list, its absence ends it. Who is a member all the "
                    "while appears at least once, maybe twice. The token has to allow `join` in "
                    "the room."
                ),
                command=Presence,
                parameters={
                    "roomId": "The room.",
                    "cursor": "Where to continue: the `cursor` of the page before.",
                    "limit": "About how many members; small rooms come whole.",
                },
                answer=PresencePage,
                errors=(*IN_ROOM, ErrorCode.BANNED),
                scope=Scope.READ,
            ),
        ]

    async def history(self, request: Request) -> Response:
        """Answer a page of stored messages.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller, command = await self._admitted(request, History)
        most_bytes = self._services.settings.max_outbound_bytes // 2
        page = await history_page(self._services.broker, command, most_bytes)
        await self._guard.confirm(caller, command.roomId)
        return _answer(page)

    async def presence(self, request: Request) -> Response:
        """Answer a page of members.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller, command = await self._admitted(request, Presence)
        page = await presence_page(self._services.members, command)
        await self._guard.confirm(caller, command.roomId)
        return _answer(page)

    async def _admitted(self, request: Request, kind: type[C]) -> tuple[Caller, C]:
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        command: C = decode_query(request.scope["query_string"], room_id, kind)
        await self._guard.require(caller, room_id, Action.JOIN)
        if isinstance(caller, Identity):
            sanctions = self._services.moderation.sanctions
            await sanctions.require_admitted(room_id, caller.user_id)
        return caller, command


def _answer(page: HistoryPage | PresencePage) -> Response:
    return Response(encode_event(page), media_type=JSON)
