"""Read markers of this worker's users: written now and then, told to their other devices."""

from typing import TYPE_CHECKING

from chat.broker.link import LinkError
from chat.broker.markers import READ, READ_IN_PRIVATE, Markers, Progress, Told, decode_told
from chat.ops.stats import Stats
from chat.protocol.events import ReadMarker, encode_event
from chat.protocol.frames import text_frame
from chat.rooms.fan_out import FanOut
from chat.rooms.marks import Done, Key, Mark, Marks
from chat.rooms.room import Room
from chat.settings import Settings

if TYPE_CHECKING:
    import asyncio


class ReadMarkers:
    """What users of this worker have read lately.

    Args:
        settings: interval and receipts.
        stats: counts writes.
        markers: where they are kept.
        fan_out: to the members, who are told.
        worker_id: of this worker.
    """

    def __init__(
        self, settings: Settings, stats: Stats, markers: Markers, fan_out: FanOut, worker_id: str
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._markers = markers
        self._fan_out = fan_out
        self._worker_id = worker_id
        self._marks = Marks(settings, lambda: markers.is_up, self._write)
        self.said = self._marks.said
        self.write_all = self._marks.write_all

    def on_tick(self) -> None:
        """Write what has waited long enough."""
        self._marks.on_tick()
        self._stats.read_markers_waiting = self._marks.waiting
        self._stats.read_markers_written = self._marks.written
        self._stats.read_markers_forgotten = self._marks.forgotten

    def _write(self, key: Key, mark: Mark, done: Done) -> None:
        kind = READ_IN_PRIVATE if mark.is_private else READ
        self._markers.move(*key, (mark.epoch, mark.seq), done, kind)

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
        mark = self._marks.find(room_id, user_id)
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
        is_large = room.is_large(self._settings.large_room_members)
        if self._settings.read_receipts and not is_large:
            self._fan_out.emit_ephemeral(room, _event(room, told))
        else:
            self._tell_user(room, told)

    def heard_in_private(self, room: Room, payload: bytes) -> None:
        """A marker has moved somewhere that is nobody else's business.

        Raises:
            ValueError: these bytes are nothing of ours.
        """
        self._tell_user(room, decode_told(payload))

    def _tell_user(self, room: Room, told: Told) -> None:
        # The connection that has said it need not hear it, if it is the user's only one here.
        if room.users.get(told.user_id, 0) <= (told.worker_id == self._worker_id):
            return
        frame = text_frame(_event(room, told))
        for member in room.members:
            if member.user_id == told.user_id:
                member.send_ephemeral(frame)


def _event(room: Room, told: Told) -> bytes:
    return encode_event(
        ReadMarker(roomId=room.room_id, userId=told.user_id, epoch=told.epoch, readSeq=told.seq)
    )
