"""Outbound corridor: from a room's channel to every local member.

    channel ─▶ record ─▶ stream (gap check, history) ─▶ one frame ─▶ flush once per tick ─▶ members

The hub subscribes to a room with its first local member and leaves it a little after the last. It
never awaits while it delivers, so order in is order out.
"""

import asyncio
import logging
import os
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

import orjson

from chat.broker.broker import Broker
from chat.broker.link import LinkError
from chat.broker.subscriber import Channels
from chat.ops.stats import Stats
from chat.protocol.events import Gap, MemberCount, TypingChanged, UserJoined, UserLeft, encode_event
from chat.protocol.frames import text_frame
from chat.protocol.records import CHANGES, Page, decode_record
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import HELD_MAX, Item, Lost, Stream
from chat.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

log = logging.getLogger(__name__)

#: Records per page when a gap is filled.
PAGE_RECORDS = 256
#: Pages under way at once; after a Redis restart every room wants one.
FILLS_MAX = 512
#: Head checks per second: fifty workers full of quiet rooms must not be a load of their own, and
#: still each room has its turn within the hour for which Redis keeps one nobody has written to.
HEAD_CHECKS_MAX = 50


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
        self._dirty: dict[Room, None] = {}
        self._large: dict[Room, None] = {}  # large rooms whose count has changed
        self._to_fill: deque[Room] = deque()
        self._retry: list[Room] = []  # rooms whose page did not come, for the next tick
        self._caught_up: dict[Room, list[asyncio.Future[None]]] = {}
        self._fills = 0
        self._head_checks: Iterator[Room] = iter(())
        #: What moderators did: told, and missed with the time of the last act; set by the worker.
        self.on_act: Callable[[Room, bytes], None] = _ignore
        self.on_missed_act: Callable[[Room, int], None] = _ignore
        #: A user has read on; set by the worker.
        self.on_marker: Callable[[Room, bytes], None] = _ignore

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
        if page.acts is not None:
            room.acts = max(room.acts, page.acts)
        early, room.early = room.early, []
        for record in early:
            self._deliver(room, room.stream.offer(record))
        room.stream.behind |= len(early) == HELD_MAX
        if room.stream.behind:
            self._want_fill(room)
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
        self._large.pop(room, None)
        for waiter in self._caught_up.pop(room, ()):
            waiter.cancel()
        self._stats.rooms = len(self.rooms)

    # -------------------------------------------------------------- from Redis

    def on_message(self, channel: bytes, payload: bytes) -> None:
        """Take one pub/sub message of a room."""
        room = self._by_channel.get(channel)
        if room is None:
            return  # left a moment ago
        kind = payload[:1]
        try:
            if kind == b"m":
                self._on_record(room, payload)
            elif kind in (b"j", b"l", b"n"):
                self._on_presence(room, kind, payload[1:])
            elif kind == b"t":
                self._on_typing(room, payload[1:])
            elif kind in CHANGES:
                self._on_record(room, payload)
            elif kind == b"p":
                self.on_marker(room, payload[1:])
            elif kind == b"s":
                self.on_act(room, payload[1:])
            else:
                raise ValueError("unknown kind")  # noqa: TRY301 - one handler for all garbage
        except (ValueError, KeyError, TypeError) as exc:
            # Another version's worker, or a stranger on our channel: say so, go on.
            self._stats.errors.add("bad_record")
            log.warning("bad_record", extra={"room": room.room_id, "error": str(exc)})

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
            self._deliver(room, items)
        if stream.behind:
            self._want_fill(room)

    def _on_presence(self, room: Room, kind: bytes, rest: bytes) -> None:
        count, _, detail = rest.partition(b":")
        room.member_count = int(count)
        if kind == b"n":
            self._large[room] = None
        elif kind == b"j":
            member = orjson.loads(detail)
            self.emit_ephemeral(
                room,
                encode_event(
                    UserJoined(
                        roomId=room.room_id,
                        userId=member["userId"],
                        user=member.get("user"),
                        memberCount=room.member_count,
                    )
                ),
            )
        else:
            self.emit_ephemeral(
                room,
                encode_event(
                    UserLeft(
                        roomId=room.room_id,
                        userId=orjson.loads(detail),
                        memberCount=room.member_count,
                    )
                ),
            )

    def _on_typing(self, room: Room, detail: bytes) -> None:
        user_id, is_typing = orjson.loads(detail)
        ttl_ms = int(self._settings.typing_ttl * 1000) if is_typing else None
        frame = text_frame(
            encode_event(
                TypingChanged(
                    roomId=room.room_id, userId=user_id, isTyping=is_typing, expiresInMs=ttl_ms
                )
            )
        )
        for member in room.members:
            if member.user_id != user_id:
                member.send_ephemeral(frame)

    # -------------------------------------------------------------- to members

    def _deliver(self, room: Room, items: list[Item]) -> None:
        for item in items:
            if isinstance(item, Lost):
                self._stats.gaps_announced += 1
                self._emit(room, text_frame(encode_event(gap_event(room.room_id, item))))
            else:
                self._emit(room, text_frame(item.event(room.event_head)))

    def _emit(self, room: Room, frame: bytes) -> None:
        room.pending.append(frame)
        room.pending_bytes += len(frame)
        for missed in room.catching_up.values():
            if len(missed) <= CATCH_UP_MAX:
                missed.append(frame)
        self._schedule_flush(room)
        if room.pending_bytes >= self._settings.outbound_high_water_bytes:
            self.flush_room(room)  # one write must not leap over a member's bound

    def emit_ephemeral(self, room: Room, event: bytes) -> None:
        """Send an event to all members that read fast enough."""
        if room.members:
            room.ephemeral.append(text_frame(event))
            self._schedule_flush(room)

    def _schedule_flush(self, room: Room) -> None:
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty[room] = None

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for room in dirty:
            self._write(room)

    def flush_room(self, room: Room) -> None:
        """Write what is pending now, before the membership changes."""
        if self._dirty.pop(room, 0) is None:
            self._write(room)

    def _write(self, room: Room) -> None:
        messages, members, direct_bytes = room.flush(os.write)
        self._stats.deliveries += messages * members
        self._stats.bytes_out += direct_bytes

    # ------------------------------------------------------------------- gaps

    def resync(self, rooms: "Iterable[Room]") -> None:
        """Anything may have been missed in these: compare each with Redis before going on."""
        for room in rooms:
            if room.stream is not None:
                room.stream.behind = True
                room.refill = room.filling  # a page under way may be older than the break
                self._want_fill(room)
        self._stats.resyncs += 1
        self._fill_next()

    def rooms_in(self, slots: "Set[int]") -> list[Room]:
        """Return the rooms of a shard, by its slots."""
        return [room for room in self.rooms.values() if room.slot in slots]

    def rooms_on(self, channels: "Iterable[bytes]") -> list[Room]:
        """Return the rooms of channels."""
        found = map(self._by_channel.get, channels)
        return [room for room in found if room is not None]

    def rooms_of_group(self, group: int) -> list[Room]:
        """Return the rooms of a group."""
        return [room for room in self.rooms.values() if room.group == group]

    async def catch_up(self, room: Room) -> None:
        """Read on until this worker is at the head: someone has seen further.

        Cancellation: safe.
        """
        if room.stream is None:
            return
        room.stream.behind = True
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._caught_up.setdefault(room, []).append(waiter)
        self._want_fill(room)
        await waiter

    def _want_fill(self, room: Room) -> None:
        if not room.filling:
            room.filling = True
            self._to_fill.append(room)
            self._fill_next()

    def _fill_next(self) -> None:
        while self._to_fill and self._fills < FILLS_MAX and self._broker.is_up:
            room = self._to_fill.popleft()
            stream = room.stream
            if stream is None or self.rooms.get(room.room_id) is not room:
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
        if stream is None or self.rooms.get(room.room_id) is not room:
            return
        if isinstance(page, LinkError):
            self._retry.append(room)
            return
        self._compare(room, page)
        items = stream.reconcile(page)
        if items:
            self._stats.gaps_filled += 1
            self._stats.gap_messages_filled += sum(not isinstance(item, Lost) for item in items)
            self._deliver(room, items)
        if room.refill:
            room.refill = False
            stream.behind = True
        if stream.behind:
            self._want_fill(room)
            return
        for waiter in self._caught_up.pop(room, ()):
            if not waiter.done():
                waiter.set_result(None)
        self._fill_next()

    def _compare(self, room: Room, page: Page) -> None:
        """Correct what is not in the order: joins, leaves and acts may have been missed."""
        if page.acts is not None and page.acts > room.acts:
            self.on_missed_act(room, page.acts)
        if page.member_count != room.member_count:
            room.member_count = page.member_count
            self._large[room] = None

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
        self._check_heads()
        retry, self._retry = self._retry, []
        for room in retry:
            self._want_fill(room)
        self._fill_next()

    def _check_heads(self) -> None:
        """Visit a share of all rooms, so that each has its turn once per interval."""
        share = 1 + int(len(self.rooms) / self._settings.head_check_interval)
        share = min(share, HEAD_CHECKS_MAX)
        for _ in range(share):
            room = next(self._head_checks, None)
            if room is None:
                self._head_checks = iter(list(self.rooms.values()))
                return
            stream = room.stream
            if stream is None or room.filling or self.rooms.get(room.room_id) is not room:
                continue
            if stream.behind:
                self._want_fill(room)
            elif stream.seq == room.checked_seq:
                self._check_head(room)
            room.checked_seq = stream.seq

    def _check_head(self, room: Room) -> None:
        def compare(page: Page | LinkError) -> None:
            if room.stream is not None and isinstance(page, Page):
                self._compare(room, page)
                room.stream.head_is(page.epoch, page.head_seq)
                if room.stream.behind:
                    self._want_fill(room)

        self._broker.read(room.room_id, 1, 0, compare)

    def tell_member_counts(self) -> None:
        """Tell large rooms how many they are, if that has changed."""
        large, self._large = self._large, {}
        for room in large:
            if room.member_count != room.member_count_told:
                room.member_count_told = room.member_count
                self.emit_ephemeral(
                    room,
                    encode_event(MemberCount(roomId=room.room_id, memberCount=room.member_count)),
                )

    async def stop(self) -> None:
        """End openings that are under way."""
        for task in list(self._opening.values()):
            task.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)


def _ignore(_room: Room, _about: object) -> None:
    """Nobody wants to know: a process without members of its own."""


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
