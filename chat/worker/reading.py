"""Commands that read: pages of history, pages of members."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from msgspec import Raw

from chat.protocol.commands import History, Presence
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import HistoryPage, Member, PresencePage
from chat.protocol.records import Record

if TYPE_CHECKING:
    from chat.worker.session import Session


async def history(session: "Session", command: History) -> None:
    """Answer a page of stored messages, oldest first.

    Raises:
        CommandError: not_joined, invalid_message, epoch_changed.
        LinkError: Redis is away.
    """
    room = session.require_room(command.roomId)
    if command.before is not None and command.after is not None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "Use `before` or `after`, not both.")
    broker, limit = session.services.broker, command.limit
    most_bytes = session.services.settings.max_outbound_bytes // 2
    if command.after is not None:
        page = await broker.read_page(room.room_id, command.after + 1, limit)
        records = _fitting(page.records, most_bytes)
        more = bool(records) and records[-1].seq < page.head_seq
        position = command.after
    else:
        end = (await broker.read_page(room.room_id)).head_seq + 1
        before = end if command.before is None else min(command.before, end)
        first = max(1, before - limit - 1)  # one more than asked: it tells whether there is more
        page = await broker.read_page(room.room_id, first, max(0, before - first))
        records = [record for record in page.records if record.seq < before]
        fitting = _fitting(reversed(records[-limit:]), most_bytes)
        more = len(records) > len(fitting)
        records = fitting[::-1]
        position = before - 1
    if command.epoch is not None and command.epoch != page.epoch:
        common = page.common_seq(command.epoch)
        if common is None or position > common:
            raise CommandError(
                ErrorCode.EPOCH_CHANGED, f"The epoch of this room is now {page.epoch}."
            )
    session.send(
        HistoryPage(
            id=command.id,
            roomId=room.room_id,
            epoch=page.epoch,
            headSeq=page.head_seq,
            messages=[Raw(record.event(room.event_head)) for record in records],
            more=more,
        )
    )


def _fitting(records: Iterable[Record], most_bytes: int) -> list[Record]:
    """Return as many records from the front as one answer may hold, at least one."""
    fitting: list[Record] = []
    size = 0
    for record in records:
        size += len(record.body)
        if fitting and size > most_bytes:
            break
        fitting.append(record)
    return fitting


async def presence(session: "Session", command: Presence) -> None:
    """Answer a page of members.

    Raises:
        CommandError: not_joined, invalid_message.
        LinkError: Redis is away.
    """
    room = session.require_room(command.roomId)
    if not command.cursor.isdecimal() or int(command.cursor) >= 2**64:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "That is not a cursor of ours.")
    count, cursor, found = await session.services.attendance.page(
        room, command.cursor, command.limit
    )
    members = []
    for user_id, display in found:
        described = orjson.loads(display)
        members.append(Member(userId=user_id, user=described.get("user")))
    session.send(
        PresencePage(
            id=command.id,
            roomId=room.room_id,
            memberCount=count,
            members=members,
            cursor=None if cursor == "0" else cursor,
        )
    )
