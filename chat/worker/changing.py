"""Changing messages: the gates of edits, deletions and reactions, and what is answered."""

from typing import TYPE_CHECKING, Any

from chat.broker import changes
from chat.broker.outcomes import Published
from chat.broker.refusals import check_content, checked_mentions
from chat.identity.access import Action
from chat.protocol.commands import AddReaction, Change, DeleteMessage, EditMessage, RemoveReaction
from chat.protocol.events import Ack
from chat.protocol.reactions import check_reaction
from chat.worker.publishing import acknowledge, refusal

if TYPE_CHECKING:
    from chat.worker.session import Session


async def change(session: "Session", command: Change) -> None:
    """Store what happens to a message; later commands of the connection wait for the answer.

    Raises:
        CommandError: not_joined, forbidden, invalid_message, content_too_long, message_gone,
            not_author, too_late, too_many_reactions, banned, muted, content_refused, busy,
            unavailable, not_replicated.
        LinkError: Redis is away.
    """
    services, identity = session.services, session.require_identity()
    room_id = session.require_room(command.roomId).room_id
    kind, details = _wanted(session, command)
    await services.asking.settled(session, room_id)
    outcome = await services.changes.make(
        changes.Change(
            kind,
            room_id,
            command.seq,
            command.messageId,
            identity.user_id,
            identity.user,
            session.may(room_id, Action.MODERATE),
            command.clientMessageId,
            details,
        )
    )
    if isinstance(outcome, changes.Unchanged):
        _answer_unchanged(session, command)
        return
    if not isinstance(outcome, Published):
        raise refusal(session, outcome)
    services.stats.messages_changed += 1
    acknowledge(session, command, outcome)


def _wanted(session: "Session", command: Change) -> tuple[str, dict[str, Any]]:
    """Return the type of the event and its particulars, if the token allows it."""
    settings = session.services.settings
    match command:
        case EditMessage():
            session.require(command.roomId, Action.EDIT)
            check_content(command.content, settings)
            mentions = checked_mentions(command.mentions, settings)
            details: dict[str, Any] = {"content": command.content}
            return "message_edited", details | ({"mentions": mentions} if mentions else {})
        case DeleteMessage():
            if not session.may(command.roomId, Action.MODERATE):
                session.require(command.roomId, Action.DELETE)
            return "message_deleted", {}
        case AddReaction():
            session.require(command.roomId, Action.REACT)
            check_reaction(command.reaction)
            return "reaction_added", {"reaction": command.reaction}
        case RemoveReaction():
            session.require(command.roomId, Action.REACT)
            check_reaction(command.reaction)
            return "reaction_removed", {"reaction": command.reaction}
    raise TypeError(f"{type(command).__name__} changes no message")


def _answer_unchanged(session: "Session", command: Change) -> None:
    if command.id is not None or command.clientMessageId is not None:
        session.send(
            Ack(
                id=command.id,
                roomId=command.roomId,
                messageId=command.messageId,
                clientMessageId=command.clientMessageId,
                duplicate=True,
            )
        )
