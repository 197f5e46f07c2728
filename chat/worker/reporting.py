"""Reporting a message to the moderators."""

from typing import TYPE_CHECKING

import orjson

from chat.broker.changes import found_message
from chat.protocol.commands import ReportMessage
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack
from chat.protocol.records import event_head

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
    page = await services.broker.read_page(room_id, command.seq, 1)
    await services.participation.confirm(room_id, user_id)
    record = page.records[0] if page.records else None
    if record is None or found_message(record, command.seq, command.messageId) is None:
        raise CommandError(ErrorCode.MESSAGE_GONE, "That message is not there any more.")
    message = orjson.loads(record.event(event_head(room_id)))
    is_new = await services.reports.add(user_id, message, command.reason)
    services.stats.messages_reported += is_new
    session.send(
        Ack(id=command.id, roomId=room_id, messageId=command.messageId, duplicate=not is_new)
    )
