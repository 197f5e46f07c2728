"""Reporting a message: what history has of it is copied, and kept with the reports."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import orjson

from chat.broker.broker import Broker
from chat.broker.changes import found_message
from chat.broker.reports import Reports
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.records import event_head


class Reported(NamedTuple):
    """Who reports which message, and why."""

    by: str
    room_id: str
    seq: int
    message_id: str
    reason: str


async def report(
    broker: Broker, reports: Reports, asked: Reported, confirm: Callable[[], Awaitable[None]]
) -> bool:
    """Keep a report with a copy of the message as it is now; return whether it is a new one.

    Args:
        broker: where the message is.
        reports: where the copy goes.
        asked: the report.
        confirm: asked behind the read, whether this user may still know of the message.

    Raises:
        CommandError: message_gone, rate_limited, or what `confirm` raises.
        LinkError: Redis is away; it may have been kept. Asking again does no harm.
    """
    page = await broker.read_page(asked.room_id, asked.seq, 1)
    await confirm()
    record = page.records[0] if page.records else None
    if record is None or found_message(record, asked.seq, asked.message_id) is None:
        # A retry may find the message deleted since the first attempt, whose copy is kept.
        if await reports.has(asked.by, asked.room_id, asked.message_id):
            return False
        raise CommandError(ErrorCode.MESSAGE_GONE, "That message is not there any more.")
    message = orjson.loads(record.event(event_head(asked.room_id)))
    return await reports.add(asked.by, message, asked.reason)
