"""Markers: moving one's own, and asking how much is unread."""

from typing import TYPE_CHECKING

from chat.broker.pages import room_unread
from chat.protocol.commands import UNREAD_ROOMS_PER_COMMAND, MarkDelivered, MarkRead, Unread
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack, UnreadCounts

if TYPE_CHECKING:
    from chat.worker.session import Session

Marking = MarkRead | MarkDelivered


def mark_at_once(session: "Session", command: Marking) -> bool:
    """Move the user's marker, if the position is one of the room's present epoch.

    Raises:
        CommandError: not_joined, busy, not_enabled.
    """
    if isinstance(command, MarkDelivered):
        session.services.delivered_markers.require_enabled()
    room = session.require_room(command.roomId)
    if room.stream is None or command.epoch not in (None, room.stream.epoch):
        return False
    _mark(session, command, room.stream.epoch, command.seq)
    return True


async def mark_earlier(session: "Session", command: Marking) -> None:
    """Move the user's marker to a position of another epoch, as far as it still holds.

    Raises:
        CommandError: not_joined, epoch_changed, busy.
        LinkError: Redis is away.
    """
    page = await session.services.broker.read_page(command.roomId)
    seq: int | None = command.seq
    if command.epoch not in (None, page.epoch):
        common = page.common_seq(command.epoch or "")
        if common is None:
            raise CommandError(
                ErrorCode.EPOCH_CHANGED, f"The epoch of this room is now {page.epoch}."
            )
        seq = min(command.seq, common)
    _mark(session, command, page.epoch, seq or 0)


def _mark(session: "Session", command: Marking, epoch: str, seq: int) -> None:
    room = session.require_room(command.roomId)
    services, user_id = session.services, session.require_identity().user_id
    if isinstance(command, MarkRead):
        services.read_markers.said(room, user_id, epoch, seq, is_private=command.private)
    else:
        services.delivered_markers.said(room, user_id, epoch, seq)
    if command.id is not None:
        session.send(Ack(id=command.id, roomId=room.room_id))


async def unread(session: "Session", command: Unread) -> None:
    """Answer how much is unread in some rooms.

    Raises:
        CommandError: forbidden, rate_limited.
        LinkError: Redis is away.
    """
    room_ids = list(dict.fromkeys(command.roomIds))
    for room_id in room_ids:
        session.require_entry(room_id)
    session.charge(messages=len(room_ids) // UNREAD_ROOMS_PER_COMMAND)
    read_markers, user_id = session.services.read_markers, session.require_identity().user_id
    asked = [(room_id, read_markers.ask(room_id, user_id)) for room_id in room_ids]
    rooms = []
    for room_id, answer in asked:
        progress = await read_markers.progress(room_id, user_id, answer)
        if not progress.ban_ms and await session.services.participation.is_in(room_id, user_id):
            rooms.append(room_unread(room_id, progress))
    session.send(UnreadCounts(id=command.id, rooms=rooms))
