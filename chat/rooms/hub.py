"""Outbound corridor: from a room's channel to every local member.

    channel ─▶ record ─▶ stream (gap check, history) ─▶ one frame ─▶ flush once per tick ─▶ members

The hub subscribes to a room with its first local member and leaves it a little after the last. It
hands what it hears to who knows about it: `GapFiller` about what it did not hear, `FanOut` about
members, `Announcements` about what has no place in the order.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Set

from chat.broker.broker import Broker
from chat.broker.link import LinkError
from chat.broker.subscriber import Channels
from chat.ops.stats import Stats
from chat.protocol.records import CHANGES, Page, decode_record
from chat.rooms import about
from chat.rooms.announcements import Announcements
from chat.rooms.fan_out import FanOut
from chat.rooms.gap_filler import GapFiller
from chat.rooms.room import Room
from chat.rooms.stream import HELD_MAX, Stream
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Messages and the events about them: what has a place in the order.
RECORDS = frozenset((b"m", *CHANGES))
#: What not every process wants to know: acts of moderators, and how far users have read.
OPTIONAL = (b"s", b"p", b"v")

Heard = Callable[[Room, bytes], None]


class Hub:
    """All rooms that have members on this worker."""

    def __init__(
        self, settings: Settings, stats: Stats, broker: Broker, channels: Channels
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self._settings = settings
        self._stats = stats
        self._broker = broker
        self._channels = channels
        self._loop = asyncio.get_running_loop()
        self._by_channel: dict[bytes, Room] = {}
        self._opening: dict[str, asyncio.Task[bool]] = {}
        self._lingering: OrderedDict[str, float] = OrderedDict()
        self.fan_out = FanOut(settings, stats)
        self.fan_out.on[b"c"] = about.heard
        self.announcements = Announcements(settings, self.fan_out)
        self.gaps = GapFiller(settings, stats, broker, self.rooms, self.fan_out, self._compare)
        #: The time of the last act of a moderator is one that was not told; set by the worker.
        self.on_missed_act: Callable[[Room, int], None] = _ignore
        #: A room is left by this process; set by who keeps something of it.
        self.on_dropped: Callable[[Room], None] = _forgotten
        self._handlers: dict[bytes, Heard] = {
            b"j": self.announcements.heard_join,
            b"l": self.announcements.heard_leave,
            b"n": self.announcements.heard_count,
            b"q": self.announcements.heard_state,
            b"t": self.announcements.heard_typing,
            **dict.fromkeys(OPTIONAL, _ignore),
        }

    def on(self, kind: bytes, handler: Heard) -> None:
        """Have messages of one of the OPTIONAL kinds handed to `handler`, without their letter.

        It raises ValueError, KeyError or TypeError for what is nothing of ours.
        """
        self._handlers[kind] = handler

    # ---------------------------------------------------------- rooms come and go

    async def enter(self, room_id: str) -> Room:
        """Return the room, subscribed and with a known head; several callers share one opening.

        Raises:
            LinkError: Redis is away.

        Cancellation: safe; a room nobody ends up in lingers and is left again.
        """
        room = self.rooms.get(room_id)
        if room is None:
            slot, group = self._broker.slot(room_id), self._broker.group(room_id)
            room = self.rooms[room_id] = Room(room_id, slot, group)
            self._by_channel[self._broker.channel(room_id).encode()] = room
            self._opening[room_id] = asyncio.create_task(self._open(room), name=f"open-{room_id}")
            self._stats.rooms = len(self.rooms)
        self._lingering.pop(room_id, None)
        opening = self._opening.get(room_id)
        if opening is not None and not await asyncio.shield(opening):
            raise LinkError("the room could not be opened")
        return room

    async def _open(self, room: Room) -> bool:
        """Subscribe first, then read the head: what comes in between is kept and sorted out."""
        page: Page | None = None
        try:
            async with asyncio.timeout(self._settings.redis_timeout):
                await self._channels.subscribe(self._broker.channel(room.room_id))
                page = await self._broker.read_page(room.room_id)
        except (LinkError, TimeoutError) as exc:
            log.warning("room_open_failed", extra={"room": room.room_id, "error": str(exc)})
        finally:
            self._opening.pop(room.room_id, None)
            if page is None:
                self._drop(room)
        if page is None:
            return False
        room.stream = Stream(page.epoch, page.head_seq)
        room.member_count = page.member_count
        about.read(room, page)
        if page.acts is not None:
            room.acts = max(room.acts, page.acts)
        early, room.early = room.early, []
        for record in early:
            self.fan_out.deliver(room, room.stream.offer(record))
        room.stream.behind |= len(early) == HELD_MAX
        if room.stream.behind:
            self.gaps.want(room)
        self.let_linger(room)
        return True

    def let_linger(self, room: Room) -> None:
        """A member left: if it was the last, stay subscribed for a little while."""
        if room.is_idle and room.room_id in self.rooms:
            self._lingering[room.room_id] = self._loop.time() + self._settings.subscription_linger
            self._lingering.move_to_end(room.room_id)

    def _drop(self, room: Room) -> None:
        channel = self._broker.channel(room.room_id)
        self._channels.unsubscribe(channel)
        self._by_channel.pop(channel.encode(), None)
        self.rooms.pop(room.room_id, None)
        self._lingering.pop(room.room_id, None)
        self.announcements.forget(room)
        self.gaps.forget(room)
        self.on_dropped(room)
        self._stats.rooms = len(self.rooms)

    # -------------------------------------------------------------- from Redis

    def on_message(self, channel: bytes, payload: bytes) -> None:
        """Take one pub/sub message of a room."""
        room = self._by_channel.get(channel)
        if room is None:
            return  # left a moment ago
        kind = payload[:1]
        try:
            if kind in RECORDS:
                self._on_record(room, payload)
            else:
                self._handlers[kind](room, payload[1:])
        except (ValueError, KeyError, TypeError) as exc:
            # Another version's worker, or a stranger on our channel: say so, go on.
            self._stats.errors.add("bad_record")
            log.warning("bad_record", extra={"room": room.room_id, "error": repr(exc)})

    def _on_record(self, room: Room, payload: bytes) -> None:
        record = decode_record(payload)
        stream = room.stream
        if stream is None:
            if len(room.early) < HELD_MAX:
                room.early.append(record)
            return
        items = stream.offer(record)
        if items:
            self._stats.delivery_seconds.observe(time.time() - record.timestamp_ms / 1000)
            self.fan_out.deliver(room, items)
        if stream.behind:
            self.gaps.want(room)

    def _compare(self, room: Room, page: Page) -> None:
        """Correct what is not in the order, or no longer: joins, leaves, acts, what was set."""
        if page.acts is not None and page.acts > room.acts:
            self.on_missed_act(room, page.acts)
        about.read(room, page)
        self.announcements.count_is(room, page.member_count)

    # ---------------------------------------------------------------- which rooms

    def rooms_in(self, slots: Set[int]) -> list[Room]:
        """Return the rooms of a shard, by its slots."""
        return [room for room in self.rooms.values() if room.slot in slots]

    def rooms_on(self, channels: Iterable[bytes]) -> list[Room]:
        """Return the rooms of channels."""
        found = map(self._by_channel.get, channels)
        return [room for room in found if room is not None]

    def rooms_of_group(self, group: int) -> list[Room]:
        """Return the rooms of a group."""
        return [room for room in self.rooms.values() if room.group == group]

    # ------------------------------------------------------------------- tick

    def on_tick(self) -> None:
        """Once a second: leave empty rooms, look at quiet ones, retry what is behind."""
        now_s = self._loop.time()
        while self._lingering:
            room_id, deadline_s = next(iter(self._lingering.items()))
            if deadline_s > now_s:
                break
            del self._lingering[room_id]
            room = self.rooms[room_id]
            if room.held:
                self.let_linger(room)  # a user in grace: its leave is still ours to write
            elif room.is_idle:
                self._drop(room)
        self.gaps.on_tick()

    async def stop(self) -> None:
        """End openings that are under way."""
        for task in list(self._opening.values()):
            task.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)


def _ignore(_room: Room, _about: object) -> None:
    """Nobody wants to know: a process without members of its own."""


def _forgotten(_room: Room) -> None:
    """Nobody keeps anything of it."""
