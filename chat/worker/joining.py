"""Joining a room: membership, history since the client's position, and live, without a seam.

From the moment of registration every live frame is kept for the joining connection. Then history
is read up to the position the room had at that moment; history first, kept frames after it, is
the whole sequence: no hole and no duplicate, whatever happens in between.
"""

import asyncio
from typing import TYPE_CHECKING

from chat.broker.refusals import busy
from chat.identity.access import Action
from chat.protocol.commands import JoinRoom, Since
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.events import RoomJoined, encode_event
from chat.protocol.frames import text_frame
from chat.rooms.hub import PAGE_RECORDS, gap_event
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import Item, Lost, Stream

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session

ATTEMPTS = 4
#: Records written before looking whether the client keeps up.
CHUNK_RECORDS = 64


async def join(session: "Session", command: JoinRoom) -> None:
    """Make the session a member.

    Raises:
        CommandError: forbidden, too_many_rooms, rate_limited, busy, banned.
        LinkError: Redis is away.
        TimeoutError: Redis did not answer in time.
    """
    services = session.services
    session.charge_join()
    session.require(command.roomId, Action.JOIN)
    again = any(room.room_id == command.roomId for room in session.rooms)
    if not again and len(session.rooms) >= services.settings.max_rooms_per_connection:
        raise CommandError(ErrorCode.TOO_MANY_ROOMS, "This connection is in too many rooms.")
    connection = session.connection
    if connection is None:
        return
    room, acts = await _enter(session, connection, command.roomId)
    left_at = None
    if again:
        services.hub.flush_room(room)
        room.members.pop(connection, None)  # receives through `catching_up` meanwhile
        left_at = _position(room)
    try:
        count = room.member_count
        if not again:
            count = await _arrive(session, room)
        await _become_member(session, connection, room, command, count)
    except BaseException:
        if not again:
            # It asks again in a moment, on this connection or another: it has its grace.
            services.attendance.depart(room, session.require_identity().user_id, at_once=False)
        elif session.connection is not None:
            room.add(connection)
            if left_at != _position(room):
                # It was a member before and has missed something since: it has to resume.
                connection.close(CloseCode.SLOW_CONSUMER)
        raise
    finally:
        room.catching_up.pop(connection, None)
        services.hub.let_linger(room)
        services.enforcement.came_in(room, acts)
    if not again:
        session.rooms = (*session.rooms, room)
        services.stats.memberships += 1


async def _enter(session: "Session", connection: "Connection", room_id: str) -> tuple[Room, int]:
    """Return the room and the last act of moderation after which the user may be in it."""
    hub, enforcement = session.services.hub, session.services.enforcement
    while True:
        room = await hub.enter(room_id)
        try:
            acts = await enforcement.admit(room, session.require_identity().user_id)
        except BaseException:
            hub.let_linger(room)
            raise
        if hub.rooms.get(room_id) is room:
            room.catching_up[connection] = []
            return room, acts


async def _arrive(session: "Session", room: Room) -> int:
    async with asyncio.timeout(session.services.settings.redis_timeout):
        return await session.services.attendance.arrive(
            room, session.require_identity().user_id, session.display
        )


async def _become_member(
    session: "Session", connection: "Connection", room: Room, command: JoinRoom, count: int
) -> None:
    services = session.services
    if command.since is None or _is_current(room, command.since):
        stream, items = await _missed(session, connection, room, command.since)
        await _answer(session, connection, room, command, count, stream, items)
        return
    # The history in memory for slow readers is bounded by how many may read it at once.
    try:
        async with asyncio.timeout(services.settings.redis_timeout):
            await services.recoveries.acquire()
    except TimeoutError:
        raise _busy() from None
    try:
        async with asyncio.timeout(services.settings.redis_timeout * 2):
            stream, items = await _missed(session, connection, room, command.since)
        await _answer(session, connection, room, command, count, stream, items)
    finally:
        services.recoveries.release()


def _is_current(room: Room, since: Since) -> bool:
    return _position(room) == (since.epoch, since.seq)


def _position(room: Room) -> tuple[str, int] | None:
    stream = room.stream
    return None if stream is None else (stream.epoch, stream.seq)


def _busy() -> CommandError:
    return busy("The room is too busy, try again.")


async def _answer(
    session: "Session",
    connection: "Connection",
    room: Room,
    command: JoinRoom,
    count: int,
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
        memberCount=count,
        epoch=stream.epoch,
        seq=stream.seq,
        recovered=recovered,
    )
    session.send(answer)
    deadline_s = asyncio.get_running_loop().time() + session.services.settings.close_timeout
    for start in range(0, len(items), CHUNK_RECORDS):
        connection.send(
            b"".join(_frame(room, item) for item in items[start : start + CHUNK_RECORDS])
        )
        if connection.congested:
            await _drained(connection, deadline_s)
    # From here on nothing awaits: pending frames of the others leave first, then this connection
    # gets what was kept and is a member like them.
    session.services.hub.flush_room(room)
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


async def _missed(
    session: "Session", connection: "Connection", room: Room, since: Since | None
) -> tuple[Stream, list[Item]]:
    """Return the position at which kept frames begin, and what lies between `since` and it."""
    hub = session.services.hub
    for _ in range(ATTEMPTS):
        kept = room.catching_up[connection] = []
        here = room.stream
        if here is None:
            break
        start = Stream(here.epoch, here.seq)
        if since is None:
            return start, []
        items = await _read_between(session, room, since, start)
        if items is not None and len(kept) <= CATCH_UP_MAX:
            return start, items
        await hub.catch_up(room)
    raise _busy()


async def _read_between(
    session: "Session", room: Room, since: Since, start: Stream
) -> list[Item] | None:
    """Read what follows `since` up to `start`; None if `start` is not where the room is."""
    if since.epoch == start.epoch and since.seq == start.seq:
        return []
    if since.epoch == start.epoch and since.seq > start.seq:
        head = await session.services.broker.read_page(room.room_id)
        if head.epoch == since.epoch and since.seq > head.head_seq:
            # A position nobody has given out: what follows the head is all there can be.
            return [Lost("reset", start.epoch, start.seq, start.seq, since.epoch)]
        return None  # the client has seen further than this worker
    own = Stream(since.epoch, since.seq)
    items: list[Item] = []
    while own.epoch != start.epoch or own.seq < start.seq:
        page = await session.services.broker.read_page(room.room_id, own.next_seq, PAGE_RECORDS)
        if page.epoch != start.epoch:
            return None
        before = own.seq, own.epoch
        items += own.reconcile(page)
        if (own.seq, own.epoch) == before:
            return None  # nothing more to read, and not there yet: the room has moved
    return _up_to(items, start.seq)


def _up_to(items: list[Item], last_seq: int) -> list[Item]:
    """Drop what comes after `last_seq`: the kept frames have it."""
    cut: list[Item] = []
    for item in items:
        if isinstance(item, Lost):
            if item.reason == "trimmed" and item.to_seq > last_seq:
                if item.from_seq <= last_seq:
                    cut.append(Lost(item.reason, item.epoch, item.from_seq, last_seq))
                continue
            cut.append(item)
        elif item.seq <= last_seq:
            cut.append(item)
    return cut


def _frame(room: Room, item: Item) -> bytes:
    if isinstance(item, Lost):
        return text_frame(encode_event(gap_event(room.room_id, item)))
    return text_frame(item.event(room.event_head))
