"""Entering a room without a seam: what was missed up to here, and live from here on.

From the moment of registration every live frame is kept for the one who enters. Then history is
read up to the position the room had at that moment; history first, kept frames after it, is the
whole sequence: no hole and no duplicate, whatever happens in between.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from chat.broker.broker import Broker
from chat.broker.refusals import busy
from chat.protocol.commands import Since
from chat.protocol.errors import CommandError
from chat.protocol.events import encode_event
from chat.protocol.frames import text_frame
from chat.rooms.enforcement import Enforcement
from chat.rooms.fan_out import gap_event
from chat.rooms.gap_filler import PAGE_RECORDS
from chat.rooms.hub import Hub
from chat.rooms.participation import Participation
from chat.rooms.room import CATCH_UP_MAX, Member, Room
from chat.rooms.stream import Item, Lost, Stream

ATTEMPTS = 4


async def entered(
    hub: Hub,
    enforcement: Enforcement,
    participation: Participation,
    member: Member,
    room_id: str,
) -> tuple[Room, int]:
    """Return the room, in which live frames are kept for `member` from now on.

    The caller takes it out of `catching_up` again, whatever happens, lets the room linger and has
    `Enforcement.came_in` look for acts after the one that comes with the room.

    Raises:
        CommandError: banned; forbidden, where the room has a roster without this user.
        LinkError: Redis is away.
    """
    while True:
        room = await hub.enter(room_id)
        try:
            acts = await enforcement.admit(room, member.user_id)
            await participation.admit(room, member.user_id)
        except BaseException:
            hub.let_linger(room)
            raise
        if hub.rooms.get(room_id) is room:
            room.catching_up[member] = []
            return room, acts


def position(room: Room) -> tuple[str, int] | None:
    """Return where the room is on this process, None while that is not known."""
    stream = room.stream
    return None if stream is None else (stream.epoch, stream.seq)


def is_current(room: Room, since: Since) -> bool:
    """Whether nothing was missed since then."""
    return position(room) == (since.epoch, since.seq)


def too_busy() -> CommandError:
    """Say that the room moves too fast, or that too many read its history."""
    return busy("The room is too busy, try again.")


@contextlib.asynccontextmanager
async def turn(recoveries: asyncio.Semaphore, timeout_s: float) -> AsyncIterator[None]:
    """Be one of the few who read history: what is read for slow clients is bounded by that.

    Raises:
        CommandError: busy; no place has become free in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await recoveries.acquire()
    except TimeoutError:
        raise too_busy() from None
    try:
        yield
    finally:
        recoveries.release()


async def missed(
    hub: Hub, broker: Broker, room: Room, member: Member, since: Since | None
) -> tuple[Stream, list[Item]]:
    """Return the position at which kept frames begin, and what lies between `since` and it.

    Raises:
        CommandError: busy.
        LinkError: Redis is away.
    """
    for _ in range(ATTEMPTS):
        kept = room.catching_up[member] = []
        here = room.stream
        if here is None:
            break
        start = Stream(here.epoch, here.seq)
        if since is None:
            return start, []
        items = await _read_between(broker, room, since, start)
        if items is not None and len(kept) <= CATCH_UP_MAX:
            return start, items
        await hub.gaps.catch_up(room)
    raise too_busy()


async def _read_between(
    broker: Broker, room: Room, since: Since, start: Stream
) -> list[Item] | None:
    """Read what follows `since` up to `start`; None if `start` is not where the room is."""
    if since.epoch == start.epoch and since.seq == start.seq:
        return []
    if since.epoch == start.epoch and since.seq > start.seq:
        head = await broker.read_page(room.room_id)
        if head.epoch == since.epoch and since.seq > head.head_seq:
            # A position nobody has given out: what follows the head is all there can be.
            return [Lost("reset", start.epoch, start.seq, start.seq, since.epoch)]
        return None  # the client has seen further than this process
    own = Stream(since.epoch, since.seq)
    items: list[Item] = []
    while own.epoch != start.epoch or own.seq < start.seq:
        page = await broker.read_page(room.room_id, own.next_seq, PAGE_RECORDS)
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


def chunks(room: Room, items: list[Item], size: int) -> Iterator[bytes]:
    """Yield the frames of items, joined up to about `size` bytes: what is written at a time."""
    frames: list[bytes] = []
    waiting = 0
    for item in items:
        frame = _frame(room, item)
        frames.append(frame)
        waiting += len(frame)
        if waiting >= size:
            yield b"".join(frames)
            frames, waiting = [], 0
    if frames:
        yield b"".join(frames)


def _frame(room: Room, item: Item) -> bytes:
    if isinstance(item, Lost):
        return text_frame(encode_event(gap_event(room.room_id, item)))
    return text_frame(item.event(room.event_head))
