"""Changing messages without a connection: the same rules, windows and refusals as there."""

from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import answered, name_of
from chat.api.authentication import BODY, Caller
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.idempotency import client_id_of
from chat.api.operations import Method, Operation
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.changes import Change, Unchanged
from chat.broker.link import LinkError
from chat.broker.outcomes import Published, ack_of
from chat.broker.refusals import check_content, checked_mentions, is_uncertain, not_published
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.errors import ErrorCode
from chat.protocol.events import Ack
from chat.protocol.http import EditBody, OneMessage, OneReaction
from chat.protocol.reactions import check_reaction

M = TypeVar("M", bound=OneMessage)

_MESSAGE = "/api/v1/rooms/{roomId}/messages/{messageId}"
_PARAMETERS = {
    "roomId": "The room.",
    "messageId": "The message.",
    "seq": "Its place in the room's order.",
}
_HEADERS = {
    "Idempotency-Key": (
        "A name for this act, as a quoted string: a retry with the same one is stored once."
    )
}
_REFUSED = (
    *IN_ROOM,
    ErrorCode.MESSAGE_GONE,
    ErrorCode.BANNED,
    ErrorCode.MUTED,
    ErrorCode.NOT_REPLICATED,
)
_ANSWERS = {
    200: (
        "The event about the message is stored, at this place. `duplicate` is true where it had "
        "been stored before, and, without a place, where the message was so already."
    )
}


class Changing(Group):
    """The operations on a message that is there."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path=_MESSAGE,
                method="PATCH",
                handler=self.edit,
                name="editMessage",
                summary="Edit a message",
                description=(
                    "Gives one's own message another content and other mentions. The token has to "
                    "allow `edit` in the room."
                ),
                command=OneMessage,
                parameters=_PARAMETERS,
                headers=_HEADERS,
                body=EditBody,
                answer=Ack,
                answers=_ANSWERS,
                errors=(
                    *_REFUSED,
                    *WITH_BODY,
                    ErrorCode.CONTENT_TOO_LONG,
                    ErrorCode.CONTENT_REFUSED,
                    ErrorCode.NOT_AUTHOR,
                    ErrorCode.TOO_LATE,
                    ErrorCode.READ_ONLY,
                ),
            ),
            Operation(
                path=_MESSAGE,
                method="DELETE",
                handler=self.delete,
                name="deleteMessage",
                summary="Delete a message",
                description=(
                    "Takes the words of a message away; its place stays. The token has to allow "
                    "`delete` in the room for one's own messages, or `moderate` for anybody's, "
                    "which is noted in the audit trail."
                ),
                command=OneMessage,
                parameters=_PARAMETERS,
                headers=_HEADERS,
                answer=Ack,
                answers=_ANSWERS,
                errors=(*_REFUSED, ErrorCode.NOT_AUTHOR, ErrorCode.TOO_LATE),
                scope=Scope.MODERATE,
            ),
            self._reaction("PUT", "addReaction", "React to a message", "Once per user."),
            self._reaction("DELETE", "removeReaction", "Take a reaction back", "One's own."),
        ]

    def _reaction(self, method: Method, name: str, summary: str, what: str) -> Operation:
        return Operation(
            path=f"{_MESSAGE}/reactions/{{reaction}}",
            method=method,
            handler=self.react,
            name=name,
            summary=summary,
            description=f"{what} The token has to allow `react` in the room.",
            command=OneReaction,
            parameters={**_PARAMETERS, "reaction": "A short text, an emoji for example."},
            headers=_HEADERS,
            answer=Ack,
            answers=_ANSWERS,
            errors=(*_REFUSED, ErrorCode.TOO_MANY_REACTIONS),
        )

    async def edit(self, request: Request) -> Response:
        """Edit a message.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; nothing was stored.
        """
        caller = await self._guard.admit(request)
        message = _asked(request, OneMessage)
        await self._guard.require(caller, message.roomId, Action.EDIT)
        body = decode_body(request, request.scope[BODY], EditBody)
        settings = self._services.settings
        check_content(body.content, settings)
        details: dict[str, Any] = {"content": body.content}
        if mentions := checked_mentions(body.mentions, settings):
            details["mentions"] = mentions
        client_id = client_id_of(request.scope, body.clientMessageId)
        return await self._make(caller, message, "message_edited", client_id, details)

    async def delete(self, request: Request) -> Response:
        """Delete a message: one's own, or as a moderator anybody's.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away; nothing was deleted.
        """
        caller = await self._guard.admit(request)
        message = _asked(request, OneMessage)
        if not await self._guard.permits(caller, message.roomId, Action.MODERATE):
            await self._guard.require(caller, message.roomId, Action.DELETE)
        return await self._make(caller, message, "message_deleted", client_id_of(request.scope), {})

    async def react(self, request: Request) -> Response:
        """Add a reaction, or take it back.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away; nothing was stored.
        """
        caller = await self._guard.admit(request)
        message = _asked(request, OneReaction, reaction=request.path_params["reaction"])
        await self._guard.require(caller, message.roomId, Action.REACT)
        check_reaction(message.reaction)
        kind = "reaction_added" if request.method == "PUT" else "reaction_removed"
        details = {"reaction": message.reaction}
        return await self._make(caller, message, kind, client_id_of(request.scope), details)

    async def _make(
        self,
        caller: Caller,
        message: OneMessage,
        kind: str,
        client_id: str | None,
        details: dict[str, Any],
    ) -> Response:
        outcome = await self._services.changes.make(
            Change(
                kind,
                message.roomId,
                message.seq,
                message.messageId,
                name_of(caller),
                caller.user if isinstance(caller, Identity) else None,
                await self._guard.permits(caller, message.roomId, Action.MODERATE),
                client_id,
                details,
                is_back_end=not isinstance(caller, Identity),
            )
        )
        if isinstance(outcome, Published):
            return answered(
                ack_of(
                    outcome,
                    message.roomId,
                    client_message_id=client_id,
                    message_id=outcome.message_id,
                )
            )
        if isinstance(outcome, Unchanged):
            return answered(
                Ack(
                    roomId=message.roomId,
                    messageId=message.messageId,
                    clientMessageId=client_id,
                    duplicate=True,
                )
            )
        if isinstance(outcome, LinkError):
            self._services.stats.publish_uncertain += is_uncertain(outcome)
        raise not_published(outcome)


def _asked(request: Request, kind: type[M], **in_path: str) -> M:
    return decode_query(
        request.scope["query_string"],
        request.path_params["roomId"],
        kind,
        messageId=request.path_params["messageId"],
        **in_path,
    )
