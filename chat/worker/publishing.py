"""Publishing: the last gates of a message, and what its sender is told."""

import time
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from chat.broker.files import Attachment
from chat.broker.link import LinkError
from chat.broker.outcomes import Outcome, Published, TooSoon, ack_of
from chat.broker.publication import EXEMPT, Publication
from chat.broker.refusals import check_content, checked_mentions, is_uncertain, not_published
from chat.identity.access import Action
from chat.identity.tokens import Identity
from chat.protocol.commands import Change, ChatMessage
from chat.protocol.errors import CommandError
from chat.protocol.records import encode_body

if TYPE_CHECKING:
    from chat.worker.session import Session


async def publish_with_files(session: "Session", command: ChatMessage) -> None:
    """As `publish`, for a message whose files have to be looked up first.

    Raises:
        CommandError: as there, and no_such_file.
        LinkError: Redis is away; nothing was stored.
    """
    room_id = session.require_room(command.roomId).room_id
    session.require(room_id, Action.PUBLISH)
    user_id = session.require_identity().user_id
    files = session.services.broker.files
    attachments = await files.attached(room_id, user_id, command.attachments or ())
    if (waiting := publish(session, command, attachments)) is not None:
        await waiting


def publish(
    session: "Session", command: ChatMessage, attachments: Sequence[Attachment] = ()
) -> Coroutine[Any, Any, None] | None:
    """Store and publish a message; the answer comes by callback, in order.

    Where the hook has to be asked, it is stored later, still in order.

    Returns:
        What later commands have to wait for; None, as a rule, if for nothing.

    Raises:
        CommandError: not_joined, forbidden, invalid_message, content_too_long, content_refused.
    """
    services, identity = session.services, session.require_identity()
    room_id = session.require_room(command.roomId).room_id
    session.require(room_id, Action.PUBLISH)
    check_content(command.content, services.settings, may_be_empty=bool(attachments))
    mentions = checked_mentions(command.mentions, services.settings)
    slow_ms = services.slow_mode.wait_ms(room_id)
    if session.may(room_id, Action.MODERATE):
        slow_ms = EXEMPT
    checked = Checked(
        identity, command.content, mentions, slow_ms, time.perf_counter(), attachments
    )
    screening = services.screening
    if screening is not None:
        content = screening.filtered(room_id, command.content)
        checked = structs.replace(checked, content=content)
        if screening.asks(room_id):
            return services.asking.ask(screening, session, command, checked)
    store(session, command, checked)
    return None


class Checked(Struct, frozen=True, gc=False):
    """A message that has passed all gates.

    Args:
        identity: who sent it.
        content: as it is to be stored.
        mentions: each user once.
        slow_ms: how long the user has to wait for the next; 0 for not at all, or EXEMPT.
        began_s: when it came, by the clock of performance.
        attachments: what is known of the files that come with it.
    """

    identity: Identity
    content: str
    mentions: list[str]
    slow_ms: int
    began_s: float
    attachments: Sequence[Attachment] = ()


def store(session: "Session", command: ChatMessage, checked: Checked) -> None:
    """Store and publish a message; the answer comes by callback, in order."""
    services, identity = session.services, checked.identity
    message_id = services.next_id("msg")
    client_id = command.clientMessageId
    reply_to = command.replyTo

    def done(outcome: Outcome) -> None:
        if not isinstance(outcome, Published):
            session.refuse(command.id, refusal(session, outcome), command.roomId)
            return
        services.stats.messages_published += 1
        services.stats.publish_seconds.observe(time.perf_counter() - checked.began_s)
        acknowledge(session, command, outcome)

    services.broker.publish(
        Publication(
            command.roomId,
            identity.user_id,
            message_id,
            encode_body(
                message_id,
                identity.user_id,
                identity.user,
                client_id,
                checked.content,
                reply_to=None if reply_to is None else (reply_to.seq, reply_to.messageId),
                thread_id=command.threadId,
                mentions=checked.mentions,
                attachments=checked.attachments,
            ),
            client_id,
            checked.slow_ms,
        ),
        done,
    )


def refusal(session: "Session", outcome: Outcome) -> CommandError:
    """Word why something was not stored, or not for certain."""
    stats = session.services.stats
    if isinstance(outcome, TooSoon):
        stats.rate_limited.add("slow_mode")
    if isinstance(outcome, LinkError):
        stats.publish_uncertain += is_uncertain(outcome)
    return not_published(outcome)


def acknowledge(session: "Session", command: ChatMessage | Change, published: Published) -> None:
    """Send an `ack` to who said a name for the command."""
    if command.id is not None or command.clientMessageId is not None:
        session.send(
            ack_of(
                published,
                command.roomId,
                command_id=command.id,
                client_message_id=command.clientMessageId,
                message_id=published.message_id,
            )
        )
