"""Commands on states: choosing one's own, saying that one types, asking for those of others."""

from typing import TYPE_CHECKING

from chat.broker.pages import user_states
from chat.broker.user_presence import Wish
from chat.identity.access import Action
from chat.protocol.availability import checked_status
from chat.protocol.commands import USERS_PER_COMMAND, SetPresence, Typing, Users
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack

if TYPE_CHECKING:
    from chat.worker.session import Session


def set_presence(session: "Session", command: SetPresence) -> None:
    """Take note of what a user wants others to see; it is written and told soon.

    Raises:
        CommandError: invalid_message, content_refused, busy.
    """
    states, connection = session.services.user_states, session.connection
    user_id = session.require_identity().user_id
    if connection is None:
        return
    status = None if command.status is None else checked_status(command.status)
    if status and (screening := session.services.screening) is not None:
        status = screening.filtered(None, status, "status")
    if command.automatic:
        if command.state == "busy" or status is not None:
            raise CommandError(
                ErrorCode.INVALID_MESSAGE,
                "A device finds out `away` or `online` by itself, without a status.",
            )
        states.notice(connection, user_id, is_idle=command.state == "away")
    else:
        states.choose(user_id, Wish(command.state, status))
        states.notice(connection, user_id, is_idle=False)
    if command.id is not None:
        session.send(Ack(id=command.id))


def typing(session: "Session", command: Typing) -> None:
    """Tell the room that the user types, or no longer does.

    Raises:
        CommandError: not_joined, forbidden, muted.
    """
    room = session.require_room(command.roomId)
    session.require(command.roomId, Action.PUBLISH)
    user_id = session.require_identity().user_id
    session.services.enforcement.require_voice(room, user_id)
    if not room.about.readOnly or session.may(room.room_id, Action.MODERATE):
        session.services.typists.said(room, user_id, is_typing=command.isTyping)
    if command.id is not None:
        session.send(Ack(id=command.id, roomId=room.room_id))


async def users(session: "Session", command: Users) -> None:
    """Answer the states of users of a room.

    Raises:
        CommandError: not_joined, forbidden, rate_limited.
        LinkError: Redis is away.
    """
    session.require_room(command.roomId)
    session.charge(messages=len(command.userIds) // USERS_PER_COMMAND)
    answer = await user_states(session.services.user_states.presence, command)
    await session.services.participation.confirm(command.roomId, session.require_identity().user_id)
    session.send(answer)
