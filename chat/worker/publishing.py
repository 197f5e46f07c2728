"""Publishing: the last gates of a message, and what its sender is told."""

import time
from typing import TYPE_CHECKING

from chat.broker.broker import (
    NotReplicated,
    Outcome,
    Publication,
    Published,
    Raced,
    TooLate,
    TooSoon,
)
from chat.broker.link import LinkBusyError, LinkDownError
from chat.broker.refusals import RETRY_MS, busy, unavailable
from chat.identity.access import Action
from chat.protocol.commands import Change, ChatMessage
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack
from chat.protocol.records import encode_body
from chat.settings import Settings

if TYPE_CHECKING:
    from chat.worker.session import Session


def publish(session: "Session", command: ChatMessage) -> None:
    """Store and publish a message; the answer comes by callback, in order.

    Raises:
        CommandError: not_joined, forbidden, invalid_message, content_too_long.
    """
    services, identity = session.services, session.require_identity()
    room = session.require_room(command.roomId)
    session.require(command.roomId, Action.PUBLISH)
    check_content(command.content, services.settings)
    mentions = checked_mentions(command.mentions, services.settings)
    slow_ms = services.slow_mode.wait_ms(room.room_id)
    if slow_ms and identity.capabilities.allows(room.room_id, Action.MODERATE):
        slow_ms = 0
    message_id = services.next_id("msg")
    client_id = command.clientMessageId
    reply_to = command.replyTo
    began_s = time.perf_counter()

    def done(outcome: Outcome) -> None:
        if not isinstance(outcome, Published):
            session.refuse(command.id, refusal(session, outcome), room.room_id)
            return
        services.stats.messages_published += 1
        services.stats.publish_seconds.observe(time.perf_counter() - began_s)
        acknowledge(session, command, outcome)

    services.broker.publish(
        Publication(
            room.room_id,
            identity.user_id,
            message_id,
            encode_body(
                message_id,
                identity.user_id,
                identity.user,
                client_id,
                command.content,
                reply_to=None if reply_to is None else (reply_to.seq, reply_to.messageId),
                thread_id=command.threadId,
                mentions=mentions,
            ),
            client_id,
            slow_ms,
        ),
        done,
    )


def check_content(content: str, settings: Settings) -> None:
    """Refuse what cannot be a message's content.

    Raises:
        CommandError: invalid_message, content_too_long.
    """
    if not content:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "The content is empty.")
    if len(content) > settings.max_content_chars:
        raise CommandError(
            ErrorCode.CONTENT_TOO_LONG,
            f"The content has more than {settings.max_content_chars} characters.",
        )


def checked_mentions(mentions: list[str] | None, settings: Settings) -> list[str]:
    """Return whom a message mentions, each user once.

    Raises:
        CommandError: invalid_message.
    """
    if not mentions:
        return []
    users = list(dict.fromkeys(mentions))
    if len(users) > settings.max_mentions:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, f"More than {settings.max_mentions} users are mentioned."
        )
    return users


def refusal(session: "Session", outcome: Outcome) -> CommandError:
    """Word why something was not stored, or not for certain."""
    stats = session.services.stats
    if isinstance(outcome, TooSoon):
        stats.rate_limited.add("slow_mode")
        return CommandError(
            ErrorCode.SLOW_MODE, "This room is in slow mode.", retry_after_ms=outcome.wait_ms
        )
    if isinstance(outcome, TooLate):
        return CommandError(ErrorCode.TOO_LATE, "The message is too old for that.")
    if isinstance(outcome, Raced):
        return busy("Too many change this message at once, try again.")
    if isinstance(outcome, NotReplicated):
        return CommandError(
            ErrorCode.NOT_REPLICATED,
            "The message is stored, but not on enough replicas yet.",
            retry_after_ms=RETRY_MS,
            uncertain=True,
        )
    error = unavailable(outcome)
    error.uncertain = not isinstance(outcome, LinkDownError | LinkBusyError)
    stats.publish_uncertain += error.uncertain
    return error


def acknowledge(session: "Session", command: ChatMessage | Change, published: Published) -> None:
    """Send an `ack` to who said a name for the command."""
    if command.id is not None or command.clientMessageId is not None:
        session.send(
            Ack(
                id=command.id,
                roomId=command.roomId,
                epoch=published.epoch,
                seq=published.seq,
                messageId=published.message_id,
                clientMessageId=command.clientMessageId,
                timestamp=published.timestamp_ms,
                duplicate=published.duplicate,
            )
        )
