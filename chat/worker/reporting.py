"""Reporting a message to the moderators."""

from typing import TYPE_CHECKING

from chat.broker.reporting import Reported
from chat.broker.reporting import report as keep
from chat.protocol.commands import ReportMessage
from chat.protocol.events import Ack

if TYPE_CHECKING:
    from chat.worker.session import Session


async def report(session: "Session", command: ReportMessage) -> None:
    """Keep a report with a copy of the message as it is now; nobody in the room is told.

    Raises:
        CommandError: not_joined, forbidden, message_gone, rate_limited.
        LinkError: Redis is away; it may have been kept.
    """
    services, user_id = session.services, session.require_identity().user_id
    room_id = session.require_room(command.roomId).room_id
    is_new = await keep(
        services.broker,
        services.reports,
        Reported(user_id, room_id, command.seq, command.messageId, command.reason),
        lambda: services.participation.confirm(room_id, user_id),
    )
    services.stats.messages_reported += is_new
    session.send(
        Ack(id=command.id, roomId=room_id, messageId=command.messageId, duplicate=not is_new)
    )
