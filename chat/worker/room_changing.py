"""Setting a room's title, topic and rules: what it takes, and what is answered."""

from typing import TYPE_CHECKING

from chat.broker.changes import Unchanged
from chat.broker.outcomes import Published, ack_of
from chat.broker.room_changes import RoomChange
from chat.identity.access import Action
from chat.protocol.about import change_in
from chat.protocol.commands import ChangeRoom
from chat.protocol.events import Ack
from chat.worker.publishing import refusal

if TYPE_CHECKING:
    from chat.worker.session import Session


async def change_room(session: "Session", command: ChangeRoom) -> None:
    """Set it, and answer once it is stored and told; who does it need not be in the room.

    Raises:
        CommandError: forbidden, invalid_message, content_refused, banned, muted, busy,
            unavailable, not_replicated.
        LinkError: Redis is away.
    """
    services, identity = session.services, session.require_identity()
    await session.require_now(command.roomId, Action.MODERATE)
    client_id = command.clientMessageId
    outcome = await services.room_changes.make(
        RoomChange(command.roomId, identity.user_id, identity.user, client_id, change_in(command))
    )
    if isinstance(outcome, Unchanged):
        session.send(
            Ack(id=command.id, roomId=command.roomId, clientMessageId=client_id, duplicate=True)
        )
        return
    if not isinstance(outcome, Published):
        raise refusal(session, outcome)
    services.stats.rooms_changed += not outcome.duplicate
    session.send(
        ack_of(outcome, command.roomId, command_id=command.id, client_message_id=client_id)
    )
