"""Delivered markers of this worker's users: as read markers, where the operator wants them."""

from chat.broker.markers import DELIVERED, Markers, decode_told
from chat.ops.stats import Stats
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import DeliveredMarker, encode_event
from chat.rooms.fan_out import FanOut
from chat.rooms.marks import Done, Key, Mark, Marks
from chat.rooms.room import Room
from chat.settings import Settings


class DeliveredMarkers:
    """What devices of this worker's users have got lately.

    Args:
        settings: whether there are any, and the interval.
        stats: counts writes.
        markers: where they are kept.
        fan_out: to the members, who are told.
    """

    def __init__(self, settings: Settings, stats: Stats, markers: Markers, fan_out: FanOut) -> None:
        self._settings = settings
        self._stats = stats
        self._markers = markers
        self._fan_out = fan_out
        self._marks = Marks(settings, lambda: markers.is_up, self._write)
        self.write_all = self._marks.write_all

    def require_enabled(self) -> None:
        """Refuse where the operator has not turned them on.

        Raises:
            CommandError: not_enabled.
        """
        if not self._settings.delivered_markers:
            raise CommandError(
                ErrorCode.NOT_ENABLED, "Delivered markers are not turned on on this server."
            )

    def said(self, room: Room, user_id: str, epoch: str, seq: int) -> None:
        """A device has got all up to a position; in a large room nobody would be told.

        Raises:
            CommandError: busy, when too much waits for Redis.
        """
        if not room.is_large(self._settings.large_room_members):
            self._marks.said(room, user_id, epoch, seq)

    def on_tick(self) -> None:
        """Write what has waited long enough."""
        self._marks.on_tick()
        self._stats.delivered_markers_waiting = self._marks.waiting
        self._stats.delivered_markers_written = self._marks.written

    def _write(self, key: Key, mark: Mark, done: Done) -> None:
        self._markers.move(*key, (mark.epoch, mark.seq), done, DELIVERED)

    def heard(self, room: Room, payload: bytes) -> None:
        """A marker has moved somewhere.

        Raises:
            ValueError: these bytes are nothing of ours.
        """
        told = decode_told(payload)
        if not room.is_large(self._settings.large_room_members):
            event = DeliveredMarker(
                roomId=room.room_id, userId=told.user_id, epoch=told.epoch, deliveredSeq=told.seq
            )
            self._fan_out.emit_ephemeral(room, encode_event(event))
