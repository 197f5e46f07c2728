"""Joining a room: membership, history since the client's position, live, without a seam; leaving.

How nothing is missed and nothing comes twice stands in `chat/rooms/recovery.py`.
"""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from chat.conversations.kinds import has_roster
from chat.protocol.about import NOTHING
from chat.protocol.availability import Availability
from chat.protocol.commands import JoinRoom, LeaveRoom
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.events import RoomJoined, RoomLeft
from chat.rooms.recovery import chunks, entered, is_current, missed, position, turn
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import Item, Lost, Stream

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session


def leave(session: "Session", command: LeaveRoom) -> None:
    """Take the session out of a room.

    Raises:
        CommandError: not_joined.
    """
    session.leave(session.require_room(command.roomId))
    session.send(RoomLeft(id=command.id, roomId=command.roomId))


class _RemovedError(Exception):
    """The user was taken out of the roster while the answer was being written."""


class _Known(NamedTuple):
    """What the answer to a join says beside the position."""

    member_count: int
    read_seq: int | None


async def join(session: "Session", command: JoinRoom) -> None:
    """Make the session a member.

    Raises:
        CommandError: forbidden, too_many_rooms, rate_limited, busy, banned.
        LinkError: Redis is away.
        TimeoutError: Redis did not answer in time.
    """
    services = session.services
    session.charge(joins=1)
    session.require_entry(command.roomId)
    again = any(room.room_id == command.roomId for room in session.rooms)
    if not again and len(session.rooms) >= services.settings.max_rooms_per_connection:
        raise CommandError(ErrorCode.TOO_MANY_ROOMS, "This connection is in too many rooms.")
    connection = session.connection
    if connection is None:
        return
    services.user_states.hurry(connection.user_id)
    room, acts = await entered(
        services.hub, services.enforcement, services.participation, connection, command.roomId
    )
    asked = services.read_markers.ask(command.roomId, connection.user_id)
    shown = services.user_states.shown(connection.user_id)
    left_at = None
    if again:
        services.hub.fan_out.flush_room(room)
        room.members.pop(connection, None)  # receives through `catching_up` meanwhile
        left_at = position(room)
    try:
        count = room.member_count
        if not again:
            count = await _arrive(session, room)
        progress = await services.read_markers.progress(command.roomId, connection.user_id, asked)
        known = _Known(count, progress.read_seq)
        await _become_member(session, connection, room, command, known)
    except _RemovedError:
        _remove_again(session, room, again=again)
        return
    except BaseException:
        _undo(session, connection, room, left_at, again=again)
        raise
    finally:
        room.catching_up.pop(connection, None)
        services.hub.let_linger(room)
        services.enforcement.came_in(room, acts)
    if not again:
        _note_membership(session, room, shown)


def _note_membership(session: "Session", room: Room, shown: Availability) -> None:
    """Note the room; `shown` is what its members were given to see of the user, or newer."""
    services, user_id = session.services, session.require_identity().user_id
    session.rooms = (*session.rooms, room)
    services.stats.memberships += 1
    services.user_states.joined(user_id, shown)
    if has_roster(room.room_id):
        services.tasks.start(services.participation.settle(room, user_id), "settle-listing")


def _undo(
    session: "Session",
    connection: "Connection",
    room: Room,
    left_at: tuple[str, int] | None,
    *,
    again: bool,
) -> None:
    """The join failed: who was a member before is one again, as far as that can be."""
    services = session.services
    is_removed = not services.participation.holds(room, connection.user_id)
    if not again:
        # It asks again in a moment, on this connection or another: it has its grace.
        services.attendance.depart(room, connection.user_id, at_once=is_removed)
    elif session.connection is None:
        return
    elif is_removed:
        _remove_again(session, room, again=True)
    else:
        room.add(connection)
        if left_at != position(room):
            # It was a member before and has missed something since: it has to resume.
            connection.close(CloseCode.SLOW_CONSUMER)


def _remove_again(session: "Session", room: Room, *, again: bool) -> None:
    """Say that the user was removed while coming in; it is no member, or no longer one."""
    if again:
        session.leave(room)
    else:
        user_id = session.require_identity().user_id
        session.services.attendance.depart(room, user_id, at_once=True)
    session.send(RoomLeft(roomId=room.room_id, reason="removed"))


async def _arrive(session: "Session", room: Room) -> int:
    async with asyncio.timeout(session.services.settings.redis_timeout):
        return await session.services.attendance.arrive(
            room, session.require_identity().user_id, session.display
        )


async def _become_member(
    session: "Session", connection: "Connection", room: Room, command: JoinRoom, known: _Known
) -> None:
    services = session.services
    if command.since is None or is_current(room, command.since):
        stream, items = await missed(services.hub, services.broker, room, connection, command.since)
        await _answer(session, connection, room, command, known, stream, items)
        return
    async with turn(services.recoveries, services.settings.redis_timeout):
        async with asyncio.timeout(services.settings.redis_timeout * 2):
            stream, items = await missed(
                services.hub, services.broker, room, connection, command.since
            )
        await _answer(session, connection, room, command, known, stream, items)


async def _answer(
    session: "Session",
    connection: "Connection",
    room: Room,
    command: JoinRoom,
    known: _Known,
    stream: Stream,
    items: list[Item],
) -> None:
    """Send the answer, what was missed, what was kept meanwhile; then it is a member."""
    seat = session.services.participation.seat(room.room_id, connection.user_id)
    session.services.participation.require(room, connection.user_id)
    recovered = None
    if command.since is not None:
        recovered = not any(isinstance(item, Lost) for item in items)
    answer = RoomJoined(
        id=command.id,
        roomId=room.room_id,
        memberCount=known.member_count,
        epoch=stream.epoch,
        seq=stream.seq,
        recovered=recovered,
        readSeq=known.read_seq,
        room=None if room.about == NOTHING else room.about,
        unread=None if known.read_seq is None else max(0, stream.seq - known.read_seq),
        role=None if seat is None else seat.role,
    )
    session.send(answer)
    deadline_s = asyncio.get_running_loop().time() + session.services.settings.close_timeout
    for chunk in chunks(room, items, session.services.settings.outbound_high_water_bytes):
        connection.send(chunk)
        if connection.congested:
            await _drained(connection, deadline_s)
    # From here on nothing awaits: pending frames of the others leave first, then this connection
    # gets what was kept and is a member like them.
    session.services.hub.fan_out.flush_room(room)
    if not session.services.participation.holds(room, connection.user_id):
        raise _RemovedError
    kept = room.catching_up.pop(connection)
    if len(kept) > CATCH_UP_MAX:
        connection.close(CloseCode.SLOW_CONSUMER)
    connection.send(b"".join(kept))
    room.add(connection)


async def _drained(connection: "Connection", deadline_s: float) -> None:
    """Wait for a slow reader, but not for ever: it can come back and resume."""
    try:
        async with asyncio.timeout_at(deadline_s):
            await connection.drained()
    except TimeoutError:
        connection.close(CloseCode.SLOW_CONSUMER)
