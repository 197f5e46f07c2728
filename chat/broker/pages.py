"""Pages of a room, of its history and of its members: one reading for every way to ask."""

from collections.abc import Iterable

import orjson
from msgspec import Raw

from chat.broker.broker import Broker
from chat.broker.members import Members
from chat.protocol.commands import History, Presence
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import HistoryPage, Member, PresencePage
from chat.protocol.records import Record, event_head


async def history_page(broker: Broker, command: History, most_bytes: int) -> HistoryPage:
    """Return a page of stored messages, oldest first.

    Args:
        broker: where they are.
        command: which ones.
        most_bytes: bodies beyond it are left for the next page; one always fits.

    Raises:
        CommandError: invalid_message, epoch_changed.
        LinkError: Redis is away.
    """
    if command.before is not None and command.after is not None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "Use `before` or `after`, not both.")
    room_id, limit = command.roomId, command.limit
    if command.after is not None:
        page = await broker.read_page(room_id, command.after + 1, limit)
        records = _fitting(page.records, most_bytes)
        more = bool(records) and records[-1].seq < page.head_seq
        position = command.after
    else:
        end = (await broker.read_page(room_id)).head_seq + 1
        before = end if command.before is None else min(command.before, end)
        first = max(1, before - limit - 1)  # one more than asked: it tells whether there is more
        page = await broker.read_page(room_id, first, max(0, before - first))
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
    head = event_head(room_id)
    return HistoryPage(
        id=command.id,
        roomId=room_id,
        epoch=page.epoch,
        headSeq=page.head_seq,
        messages=[Raw(record.event(head)) for record in records],
        more=more,
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


async def presence_page(members: Members, command: Presence) -> PresencePage:
    """Return a page of members.

    Raises:
        CommandError: invalid_message.
        LinkError: Redis is away.
    """
    cursor = command.cursor
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) >= 2**64:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "That is not a cursor of ours.")
    count, following, found = await members.page(command.roomId, cursor, command.limit)
    return PresencePage(
        id=command.id,
        roomId=command.roomId,
        memberCount=count,
        members=[
            Member(userId=user_id, user=orjson.loads(display).get("user"))
            for user_id, display in found
        ],
        cursor=None if following == "0" else following,
    )
