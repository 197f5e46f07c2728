"""Read markers of this worker's users: written now and then, told to their other devices.

A client that scrolls says at every step how far it has read. The first of it is written at once,
the last of what follows when the interval is over; while Redis is away it waits. In a large room
the interval grows with the members, so that a room that all of them read costs its shard no more
marks than one of `large_room_members`.
"""

import asyncio
import heapq
import logging

from chat.broker.link import LinkError
from chat.broker.markers import Markers, Progress, decode_told
from chat.broker.refusals import busy
from chat.ops.stats import Stats
from chat.protocol.events import ReadMarker, encode_event
from chat.protocol.frames import text_frame
from chat.rooms.hub import Hub
from chat.rooms.room import Room
from chat.settings import Settings

log = logging.getLogger(__name__)

LONGEST_INTERVAL_S = 60.0
#: Pairs of a user and a room that are kept; more wait only while Redis is away for long.
MARKS_MAX = 100_000
#: Writes per tick: when Redis is back, all that has waited must not come at once.
WRITES_PER_TICK = 2000

_Key = tuple[str, str]


class _Mark:
    """How far a user has read a room, as said here lately."""

    __slots__ = ("epoch", "interval_s", "is_sent", "is_written", "seq")

    def __init__(self, epoch: str, seq: int, interval_s: float) -> None:
        self.epoch = epoch
        self.seq = seq
        self.interval_s = interval_s
        self.is_sent = False  # Redis has not answered yet
        self.is_written = False


class ReadMarkers:
    """What users of this worker have read lately.

    Args:
        settings: interval and receipts.
        stats: counts writes.
        markers: where they are kept.
        hub: whose members are told.
        worker_id: of this worker.
    """

    def __init__(
        self, settings: Settings, stats: Stats, markers: Markers, hub: Hub, worker_id: str
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._markers = markers
        self._hub = hub
        self._worker_id = worker_id
        self._loop = asyncio.get_running_loop()
        self._marks: dict[_Key, _Mark] = {}
        self._due: list[tuple[float, _Key]] = []  # a heap: when each of them is looked at next

    # ------------------------------------------------------------------- marking

    def said(self, room: Room, user_id: str, epoch: str, seq: int) -> None:
        """A user has read up to a position; it is written now, or soon.

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
            mark = _Mark(epoch, seq, min(interval_s, LONGEST_INTERVAL_S))
            self._marks[key] = mark
            self._write(key, mark)
            self._look_again(key, mark)
        elif epoch != mark.epoch or seq > mark.seq:
            if epoch != mark.epoch and not mark.is_written:
                self._write(key, mark)  # which of the two is further only the lineage tells
            mark.epoch, mark.seq, mark.is_written = epoch, seq, False

    def on_tick(self) -> None:
        """Write what has waited long enough; forget what was written and has not moved."""
        now_s = self._loop.time()
        for _ in range(WRITES_PER_TICK):
            if not self._due or self._due[0][0] > now_s or not self._markers.is_up:
                break
            _, key = heapq.heappop(self._due)
            mark = self._marks[key]
            if mark.is_written:
                del self._marks[key]
                continue
            if not mark.is_sent:
                self._write(key, mark)
            self._look_again(key, mark)
        self._stats.read_markers_waiting = sum(not mark.is_written for mark in self._marks.values())

    def write_all(self) -> None:
        """This worker ends: write what has waited."""
        for key, mark in self._marks.items():
            if not mark.is_written:
                self._write(key, mark)

    def _look_again(self, key: _Key, mark: _Mark) -> None:
        heapq.heappush(self._due, (self._loop.time() + mark.interval_s, key))

    def _write(self, key: _Key, mark: _Mark) -> None:
        position = (mark.epoch, mark.seq)
        mark.is_sent = True
        self._stats.read_markers_written += 1

        def done(outcome: int | LinkError) -> None:
            mark.is_sent = False
            if isinstance(outcome, LinkError):  # it is still on the list, and has its turn again
                log.debug("read_marker_not_written", extra={"error": str(outcome)})
            else:
                mark.is_written = position == (mark.epoch, mark.seq)
                self._stats.read_markers_forgotten += outcome

        self._markers.move(*key, position, done)

    # ------------------------------------------------------------------- reading

    def ask(self, room_id: str, user_id: str) -> "asyncio.Future[Progress | LinkError]":
        """Ask Redis at once how far a user has read; `progress` awaits the answer."""
        return self._markers.ask(room_id, user_id)

    async def progress(
        self, room_id: str, user_id: str, asked: "asyncio.Future[Progress | LinkError]"
    ) -> Progress:
        """Return how far a user has read, with what was said here and is not written yet.

        Raises:
            LinkError: no answer.
        """
        found = await asked
        if isinstance(found, LinkError):
            raise found
        mark = self._marks.get((room_id, user_id))
        if mark is None or mark.epoch != found.epoch:
            return found
        return found._replace(read_seq=max(found.read_seq or 0, min(mark.seq, found.head_seq)))

    # ------------------------------------------------------------------- telling

    def heard(self, room: Room, payload: bytes) -> None:
        """A marker has moved somewhere: tell whom it concerns.

        Raises:
            ValueError: these bytes are nothing of ours.
        """
        told = decode_told(payload)
        event = encode_event(
            ReadMarker(roomId=room.room_id, userId=told.user_id, epoch=told.epoch, readSeq=told.seq)
        )
        is_small = room.member_count <= self._settings.large_room_members
        if self._settings.read_receipts and is_small:
            self._hub.fan_out.emit_ephemeral(room, event)
            return
        # The connection that has said it need not hear it, if it is the user's only one here.
        if room.users.get(told.user_id, 0) <= (told.worker_id == self._worker_id):
            return
        frame = text_frame(event)
        for member in room.members:
            if member.user_id == told.user_id:
                member.send_ephemeral(frame)
