"""Joining a room: membership, history since the client's position, and live, without a seam.

How nothing is missed and nothing comes twice stands in `chat/rooms/recovery.py`.
"""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from chat.identity.access import Action
from chat.protocol.about import NOTHING
from chat.protocol.availability import Availability
from chat.protocol.commands import JoinRoom
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.events import RoomJoined
from chat.rooms.recovery import chunks, entered, is_current, missed, position, turn
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import Item, Lost, Stream

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session


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
    session.require(command.roomId, Action.JOIN)
    again = any(room.room_id == command.roomId for room in session.rooms)
    if not again and len(session.rooms) >= services.settings.max_rooms_per_connection:
        raise CommandError(ErrorCode.TOO_MANY_ROOMS, "This connection is in too many rooms.")
    connection = session.connection
    if connection is None:
        return
    room, acts = await entered(services.hub, services.enforcement, connection, command.roomId)
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
    except BaseException:
        if not again:
            # It asks again in a moment, on this connection or another: it has its grace.
            services.attendance.depart(room, session.require_identity().user_id, at_once=False)
        elif session.connection is not None:
            room.add(connection)
            if left_at != position(room):
                # It was a member before and has missed something since: it has to resume.
                connection.close(CloseCode.SLOW_CONSUMER)
        raise
    finally:
        room.catching_up.pop(connection, None)
        services.hub.let_linger(room)
        services.enforcement.came_in(room, acts)
    if not again:
        _note_membership(session, room, shown)


def _note_membership(session: "Session", room: Room, shown: Availability) -> None:
    """Note the room; `shown` is what its members were given to see of the user, or newer."""
    session.rooms = (*session.rooms, room)
    session.services.stats.memberships += 1
    session.services.user_states.joined(session.require_identity().user_id, shown)


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
