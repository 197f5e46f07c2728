"""Publishing to a room without a connection: the same script, limits and refusals as there."""

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from chat.api.authentication import BODY, Caller
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.idempotency import client_id_of
from chat.api.operations import JSON, Operation
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.link import LinkError
from chat.broker.outcomes import Outcome, Published, ack_of
from chat.broker.publication import EXEMPT, Publication
from chat.broker.refusals import check_content, checked_mentions, is_uncertain, not_published
from chat.broker.retries import stored, stored_before
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.identity.users import UserError, check_user_id, display_of
from chat.protocol.commands import check_room_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack, encode_event
from chat.protocol.http import MessageBody, Publish
from chat.protocol.records import encode_body
from chat.protocol.screening import Submission, Text


class Author(NamedTuple):
    """In whose name a message is published."""

    user_id: str
    user: dict[str, Any] | None


class Messages(Group):
    """The operation that publishes."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms/{roomId}/messages",
                method="POST",
                handler=self.publish,
                name="publishMessage",
                summary="Publish a message",
                description=(
                    "Stores a message in a room and sends it to everyone there. A token has to "
                    "allow `publish` in the room, and the message is its user's. An API key "
                    "publishes in the name of `userId`, who need not be a member, and `user` is "
                    "what others are shown of that user. A retry with the same `clientMessageId`, "
                    "or the same `Idempotency-Key`, of the same user is answered with the place of "
                    "the first one and stored once. When a refusal says `uncertain`, the message "
                    "may be stored all the same: send it again with the same id."
                ),
                command=Publish,
                parameters={"roomId": "The room."},
                headers={
                    "Idempotency-Key": (
                        "The same as `clientMessageId`, as a quoted string. Given both, they have "
                        "to be equal."
                    )
                },
                body=MessageBody,
                answer=Ack,
                answers={
                    201: "The message is stored, at this place.",
                    200: "It had been stored before, at this place: `duplicate` is true.",
                },
                errors=(
                    *IN_ROOM,
                    *WITH_BODY,
                    ErrorCode.CONTENT_TOO_LONG,
                    ErrorCode.CONTENT_REFUSED,
                    ErrorCode.SLOW_MODE,
                    ErrorCode.BANNED,
                    ErrorCode.MUTED,
                    ErrorCode.READ_ONLY,
                    ErrorCode.NOT_REPLICATED,
                    ErrorCode.NO_SUCH_FILE,
                ),
                scope=Scope.PUBLISH,
            )
        ]

    async def publish(self, request: Request) -> Response:
        """Publish a message.

        Raises:
            CommandError: the request is refused.
            RefusedError: its body is.
        """
        services = self._services
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        check_room_id(room_id)
        await self._guard.require(caller, room_id, Action.PUBLISH)
        sent = request.scope[BODY]
        body = decode_body(request, sent, MessageBody)
        author = _author(caller, body)
        client_id = client_id_of(request.scope, body.clientMessageId)
        check_content(body.content, services.settings, may_be_empty=bool(body.attachments))
        mentions = checked_mentions(body.mentions, services.settings)
        slow_ms = services.slow_mode.wait_ms(room_id)
        if await self._guard.permits(caller, room_id, Action.MODERATE):
            slow_ms = EXEMPT
        elif not isinstance(caller, Identity):
            self._guard.charge_user(author.user_id, len(sent))
        files = services.broker.files
        attachments = await files.attached(room_id, author.user_id, body.attachments or ())
        checked = Submission(
            kind="chat_message",
            roomId=room_id,
            userId=author.user_id,
            user=author.user,
            content=body.content,
            mentions=mentions or None,
            replyTo=body.replyTo,
            threadId=body.threadId,
            attachments=attachments or None,
            clientMessageId=client_id,
        )
        published = self._judged(await self._outcome(checked, slow_ms))
        ack = ack_of(
            published, room_id, client_message_id=client_id, message_id=published.message_id
        )
        status = 200 if published.duplicate else 201
        return Response(encode_event(ack), status, media_type=JSON)

    async def _outcome(self, checked: Submission, slow_ms: int) -> Outcome:
        """Take a message through the word filter and the hook, and store what is left of it."""
        services, broker, screening = (
            self._services,
            self._services.broker,
            self._services.screening,
        )
        room_id, user_id, client_id = checked.roomId, checked.userId, checked.clientMessageId
        text = Text(checked.content, checked.mentions or [])
        if screening is not None:
            if screening.asks(room_id):  # a retry of what is stored is not asked about again
                before = await stored_before(broker, room_id, user_id, client_id)
                if before is not None:
                    return before
            text = await screening.passed(checked)
        message_id, reply_to = services.next_id("msg"), checked.replyTo
        record = encode_body(
            message_id,
            user_id,
            checked.user,
            client_id,
            text.content,
            reply_to=None if reply_to is None else (reply_to.seq, reply_to.messageId),
            thread_id=checked.threadId,
            mentions=text.mentions,
            attachments=checked.attachments or (),
        )
        return await stored(
            broker, Publication(room_id, user_id, message_id, record, client_id, slow_ms)
        )

    def _judged(self, outcome: Outcome) -> Published:
        stats = self._services.stats
        if isinstance(outcome, Published):
            stats.messages_published += 1
            return outcome
        if isinstance(outcome, LinkError):
            stats.publish_uncertain += is_uncertain(outcome)
        raise not_published(outcome)


def _author(caller: Caller, body: MessageBody) -> Author:
    if isinstance(caller, Identity):
        if body.userId is not None or body.user is not None:
            raise CommandError(
                ErrorCode.FORBIDDEN,
                "A token publishes as its own user: leave out `userId` and `user`.",
            )
        return Author(caller.user_id, caller.user)
    if body.userId is None:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, "With an API key `userId` says in whose name you publish."
        )
    try:
        check_user_id(body.userId, "`userId`")
        return Author(body.userId, display_of(body.user, "`user`"))
    except UserError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None
