"""Marks of this worker's users in rooms, how far each has got: written now and then.

A client says at every step how far it is. The first of it is written at once, the last of what
follows when the interval is over; while Redis is away it waits. In a large room the interval grows
with the members, so that a room that all of them read costs its shard no more marks than one of
`large_room_members`.
"""

import asyncio
import heapq
import logging
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.refusals import busy
from chat.rooms.room import Room
from chat.settings import Settings

log = logging.getLogger(__name__)

LONGEST_INTERVAL_S = 60.0
#: Pairs of a user and a room that are kept; more wait only while Redis is away for long.
MARKS_MAX = 100_000
#: Writes per tick: when Redis is back, all that has waited must not come at once.
WRITES_PER_TICK = 2000

Key = tuple[str, str]
Done = Callable[[int | LinkError], None]


class Mark:
    """How far a user has got in a room, as said here lately."""

    __slots__ = ("epoch", "interval_s", "is_private", "is_sent", "is_written", "seq")

    def __init__(self, epoch: str, seq: int, interval_s: float, *, is_private: bool) -> None:
        self.epoch = epoch
        self.seq = seq
        self.interval_s = interval_s
        self.is_private = is_private  # others are not told of it
        self.is_sent = False  # Redis has not answered yet
        self.is_written = False


class Marks:
    """One kind of marks.

    Args:
        settings: interval, and which rooms are large.
        is_up: whether commands can be sent.
        write: sends a mark of (room, user) and calls back with how many it displaced.
    """

    def __init__(
        self,
        settings: Settings,
        is_up: Callable[[], bool],
        write: Callable[[Key, Mark, Done], None],
    ) -> None:
        self._settings = settings
        self._is_up = is_up
        self._send = write
        self._loop = asyncio.get_running_loop()
        self._marks: dict[Key, Mark] = {}
        self._due: list[tuple[float, Key]] = []  # a heap: when each of them is looked at next
        self.written = 0
        self.forgotten = 0

    @property
    def waiting(self) -> int:
        """Marks whose last position is not in Redis yet."""
        return sum(not mark.is_written for mark in self._marks.values())

    def find(self, room_id: str, user_id: str) -> Mark | None:
        """Return what was said here lately."""
        return self._marks.get((room_id, user_id))

    def said(
        self, room: Room, user_id: str, epoch: str, seq: int, *, is_private: bool = False
    ) -> None:
        """A user has got to a position; it is written now, or soon.

        Raises:
            CommandError: busy, when too much waits for Redis.
        """
        key = (room.room_id, user_id)
        mark = self._marks.get(key)
        if mark is None:
            if len(self._marks) >= MARKS_MAX:
                raise busy()
            crowd = room.member_count / self._settings.large_room_members
            interval_s = self._settings.read_marker_interval * max(1.0, crowd)
            interval_s = min(interval_s, LONGEST_INTERVAL_S)
            mark = self._marks[key] = Mark(epoch, seq, interval_s, is_private=is_private)
            self._write(key, mark)
            self._look_again(key, mark)
        elif epoch != mark.epoch or seq > mark.seq:
            if (epoch, is_private) != (mark.epoch, mark.is_private) and not mark.is_written:
                # Which of two epochs is further only the lineage tells; and what is said to others
                # must not be lost behind what is not.
                self._write(key, mark)
            mark.epoch, mark.seq, mark.is_written = epoch, seq, False
            mark.is_private = is_private

    def on_tick(self) -> None:
        """Write what has waited long enough; forget what was written and has not moved."""
        now_s = self._loop.time()
        for _ in range(WRITES_PER_TICK):
            if not self._due or self._due[0][0] > now_s or not self._is_up():
                break
            _, key = heapq.heappop(self._due)
            mark = self._marks[key]
            if mark.is_written:
                del self._marks[key]
                continue
            if not mark.is_sent:
                self._write(key, mark)
            self._look_again(key, mark)

    def write_all(self) -> None:
        """This worker ends: write what has waited."""
        for key, mark in self._marks.items():
            if not mark.is_written:
                self._write(key, mark)

    def _look_again(self, key: Key, mark: Mark) -> None:
        heapq.heappush(self._due, (self._loop.time() + mark.interval_s, key))

    def _write(self, key: Key, mark: Mark) -> None:
        position = (mark.epoch, mark.seq)
        mark.is_sent = True
        self.written += 1

        def done(outcome: int | LinkError) -> None:
            mark.is_sent = False
            if isinstance(outcome, LinkError):  # it is still on the list, and has its turn again
                log.debug("mark_not_written", extra={"error": str(outcome)})
            else:
                mark.is_written = position == (mark.epoch, mark.seq)
                self.forgotten += outcome

        self._send(key, mark, done)
