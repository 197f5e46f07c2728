"""What pub/sub did not bring, read from history.

After a jump in `seq`, after a break, and in turn for quiet rooms, which would never notice.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from chat.broker.broker import Broker
from chat.broker.link import LinkError
from chat.ops.stats import Stats
from chat.protocol.records import Page
from chat.rooms.fan_out import FanOut
from chat.rooms.room import Room
from chat.rooms.stream import Lost
from chat.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

#: Records per page when a gap is filled.
PAGE_RECORDS = 256
#: Pages under way at once; after a Redis restart every room wants one.
FILLS_MAX = 512
#: Head checks per second: fifty workers full of quiet rooms must not be a load of their own, and
#: still each room has its turn within the hour for which Redis keeps one nobody has written to.
HEAD_CHECKS_MAX = 50


class GapFiller:
    """Compares rooms with Redis, and delivers what was missed.

    Args:
        settings: how often a quiet room is looked at.
        stats: counts gaps.
        broker: reads history.
        rooms: the hub's, by id.
        fan_out: takes what was missed.
        compare: called with each page for what is not in the order.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        broker: Broker,
        rooms: Mapping[str, Room],
        fan_out: FanOut,
        compare: "Callable[[Room, Page], None]",
    ) -> None:
        self._head_check_interval_s = settings.head_check_interval
        self._stats = stats
        self._broker = broker
        self._rooms = rooms
        self._fan_out = fan_out
        self._compare = compare
        self._loop = asyncio.get_running_loop()
        self._to_fill: deque[Room] = deque()
        self._retry: list[Room] = []  # rooms whose page did not come, for the next tick
        self._caught_up: dict[Room, list[asyncio.Future[None]]] = {}
        self._fills = 0
        self._head_checks: Iterator[Room] = iter(())

    def resync(self, rooms: Iterable[Room]) -> None:
        """Anything may have been missed in these: compare each with Redis before going on."""
        for room in rooms:
            if room.stream is not None:
                room.stream.behind = True
                room.refill = room.filling  # a page under way may be older than the break
                self.want(room)
        self._stats.resyncs += 1
        self._next()

    async def catch_up(self, room: Room) -> None:
        """Read on until this worker is at the head: someone has seen further.

        Cancellation: safe.
        """
        if room.stream is None:
            return
        room.stream.behind = True
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._caught_up.setdefault(room, []).append(waiter)
        self.want(room)
        await waiter

    def want(self, room: Room) -> None:
        """The room is behind: read its next page as soon as it has its turn."""
        if not room.filling:
            room.filling = True
            self._to_fill.append(room)
            self._next()

    def forget(self, room: Room) -> None:
        """The room is gone from this process; nobody waits for it any longer."""
        for waiter in self._caught_up.pop(room, ()):
            waiter.cancel()

    def on_tick(self) -> None:
        """Once a second: look at quiet rooms, retry what is behind."""
        self._check_heads()
        retry, self._retry = self._retry, []
        for room in retry:
            self.want(room)
        self._next()

    def _is_gone(self, room: Room) -> bool:
        return self._rooms.get(room.room_id) is not room

    def _next(self) -> None:
        while self._to_fill and self._fills < FILLS_MAX and self._broker.is_up:
            room = self._to_fill.popleft()
            stream = room.stream
            if stream is None or self._is_gone(room):
                room.filling = False
                continue
            self._fills += 1
            self._broker.read(
                room.room_id,
                stream.next_seq,
                PAGE_RECORDS,
                lambda page, room=room: self._filled(room, page),  # type: ignore[misc]
            )

    def _filled(self, room: Room, page: Page | LinkError) -> None:
        self._fills -= 1
        room.filling = False
        stream = room.stream
        if stream is None or self._is_gone(room):
            return
        if isinstance(page, LinkError):
            self._retry.append(room)
            return
        self._compare(room, page)
        items = stream.reconcile(page)
        if items:
            self._stats.gaps_filled += 1
            self._stats.gap_messages_filled += sum(not isinstance(item, Lost) for item in items)
            self._fan_out.deliver(room, items)
        if room.refill:
            room.refill = False
            stream.behind = True
        if stream.behind:
            self.want(room)
            return
        for waiter in self._caught_up.pop(room, ()):
            if not waiter.done():
                waiter.set_result(None)
        self._next()

    def _check_heads(self) -> None:
        """Visit a share of all rooms, so that each has its turn once per interval."""
        share = 1 + int(len(self._rooms) / self._head_check_interval_s)
        share = min(share, HEAD_CHECKS_MAX)
        for _ in range(share):
            room = next(self._head_checks, None)
            if room is None:
                self._head_checks = iter(list(self._rooms.values()))
                return
            stream = room.stream
            if stream is None or room.filling or self._is_gone(room):
                continue
            if stream.behind:
                self.want(room)
            elif stream.seq == room.checked_seq:
                self._check_head(room)
            room.checked_seq = stream.seq

    def _check_head(self, room: Room) -> None:
        def compare(page: Page | LinkError) -> None:
            if room.stream is not None and isinstance(page, Page):
                self._compare(room, page)
                room.stream.head_is(page.epoch, page.head_seq)
                if room.stream.behind:
                    self.want(room)

        self._broker.read(room.room_id, 1, 0, compare)
