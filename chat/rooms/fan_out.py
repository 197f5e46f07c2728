"""From a room to its members on this process: one frame for all, one write per member and tick."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable

from chat.ops.stats import Stats
from chat.protocol.events import Gap, encode_event
from chat.protocol.frames import text_frame
from chat.protocol.records import ChangeRecord
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import Item, Lost
from chat.settings import Settings

log = logging.getLogger(__name__)


Handlers = dict[bytes, Callable[[Room, ChangeRecord], None]]


class FanOut:
    """Writes what rooms have for their members. Never awaits: order in is order out."""

    def __init__(self, settings: Settings, stats: Stats) -> None:
        self._settings = settings
        self._stats = stats
        self._loop = asyncio.get_running_loop()
        self._dirty: dict[Room, None] = {}
        #: Who also looks at an event of the order, by its letter, just before members get it.
        self.on: Handlers = {}
        #: Who looks at it just behind, before members get anything that comes later.
        self.behind: Handlers = {}
        #: Something of a room's order is lost; set by who wants to know.
        self.on_lost: Callable[[Room], None] = _nothing

    def deliver(self, room: Room, items: Iterable[Item]) -> None:
        """Send events of the room's order, and losses, to all members."""
        for item in items:
            if isinstance(item, Lost):
                self._stats.gaps_announced += 1
                self._emit(room, text_frame(encode_event(gap_event(room.room_id, item))))
                self.on_lost(room)
            else:
                if item.__class__ is ChangeRecord:
                    self._note(self.on, room, item)
                self._emit(room, text_frame(item.event(room.event_head)))
                if item.__class__ is ChangeRecord:
                    self._note(self.behind, room, item)

    def _note(self, handlers: Handlers, room: Room, record: ChangeRecord) -> None:
        handler = handlers.get(record.letter)
        if handler is None:
            return
        try:
            handler(room, record)
        except (ValueError, KeyError, TypeError) as exc:  # a stranger's: passed on all the same
            self._stats.errors.add("bad_record")
            log.warning("bad_event", extra={"room": room.room_id, "error": repr(exc)})

    def _emit(self, room: Room, frame: bytes) -> None:
        room.pending.append(frame)
        room.pending_bytes += len(frame)
        for missed in room.catching_up.values():
            if len(missed) <= CATCH_UP_MAX:
                missed.append(frame)
        self._schedule(room)
        if room.pending_bytes >= self._settings.outbound_high_water_bytes:
            self.flush_room(room)  # one write must not leap over a member's bound

    def emit_ephemeral(self, room: Room, event: bytes) -> None:
        """Send an event to all members that read fast enough."""
        if room.members:
            room.ephemeral.append(text_frame(event))
            self._schedule(room)

    def flush_room(self, room: Room) -> None:
        """Write what is pending now, before the membership changes."""
        if self._dirty.pop(room, 0) is None:
            self._write(room)

    def _schedule(self, room: Room) -> None:
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty[room] = None

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for room in dirty:
            self._write(room)

    def _write(self, room: Room) -> None:
        messages, members, direct_bytes = room.flush(os.write)
        self._stats.deliveries += messages * members
        self._stats.bytes_out += direct_bytes


def _nothing(_room: Room) -> None:
    """Nobody wants to know."""


def gap_event(room_id: str, lost: Lost) -> Gap:
    """Put a loss into the wire's words."""
    return Gap(
        roomId=room_id,
        reason=lost.reason,
        epoch=lost.epoch,
        fromSeq=lost.from_seq,
        toSeq=lost.to_seq,
        previousEpoch=lost.previous_epoch,
    )
