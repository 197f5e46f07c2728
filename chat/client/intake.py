"""What arrives in one room, across connections: checked, counted, kept for the program."""

import asyncio
import logging
from collections.abc import Callable

from chat.client.buffer import EventBuffer
from chat.client.events import (
    AnyEvent,
    DeliveredMarker,
    Event,
    Gap,
    MemberCount,
    Ordered,
    Position,
    PresenceChanged,
    ReadMarker,
    RoomJoined,
    TypingChanged,
    Unknown,
    UserJoined,
    UserLeft,
)
from chat.client.reading import Reading
from chat.client.standing import Standing
from chat.client.typists import Typists
from chat.client.walk import Step, Walk

log = logging.getLogger(__name__)

#: How long what was missed may take to arrive after a join, in seconds.
CATCH_UP_S = 10.0


class Intake:
    """Takes a room's events in the order of arrival, without waiting.

    Args:
        room_id: the room.
        limit: so many events wait for the program.
        since: the position from which events are wanted; None for from now on.
        wake: is called when there may be something to do.
        on_echo: is called with each event that carries a client message id, and that.
        on_gap: is called when events are known not to come.
    """

    def __init__(
        self,
        room_id: str,
        limit: int,
        since: Position | None,
        *,
        wake: Callable[[], None],
        on_echo: Callable[[Ordered, str], None],
        on_gap: Callable[[], None],
    ) -> None:
        self.start = since  # where the program's events begin
        self.buffer = EventBuffer(limit, wake)
        self.typists = Typists()
        self.reading = Reading()
        self.standing = Standing()
        self.member_count = 0
        self.holes = 0  # in a row
        self.head: Position | None = None  # the last place of the room that is known of
        self._room_id = room_id
        self._walk = Walk(since)
        self._wake = wake
        self._on_echo = on_echo
        self._on_gap = on_gap
        self._loop = asyncio.get_running_loop()
        self._since: Position | None = None  # what the last join asked for
        self._head_seq = 0
        self._joined_at = 0.0

    # --------------------------------------------------------------------- joins

    def connect(self, user_id: str) -> None:
        """The connection is another one: nothing counts until the room is joined on it."""
        self.reading.user_id = user_id
        self._walk.fall_behind()

    def ask_since(self) -> Position | None:
        """Return the position to join from; None while there is no space for what was missed."""
        self._since = self._walk.position if self.buffer.roomy else None
        return self._since

    @property
    def wants_join(self) -> bool:
        """Whether something has to be asked for again, and there is space for it."""
        return not self._walk.listening and self.buffer.roomy

    @property
    def overdue(self) -> bool:
        """Whether what was missed before the last join should all have arrived by now."""
        return self._caught_up or self._loop.time() > self._joined_at + CATCH_UP_S

    @property
    def complete(self) -> bool:
        """Whether everything has been seen that was stored before the last join, but for gaps."""
        return self._caught_up and self._walk.listening

    @property
    def _caught_up(self) -> bool:
        position = self._walk.position
        return position is not None and position.seq >= self._head_seq

    # -------------------------------------------------------------------- events

    def take(self, event: AnyEvent | Unknown) -> None:
        """Take an event of this room."""
        match event:
            case RoomJoined():
                self._take_joined(event)
            case Ordered():
                if event.client_message_id is not None:
                    self._on_echo(event, event.client_message_id)
                self._take_placed(event.position, event)
            case Gap():
                self._take_gap(event)
            case UserJoined() | UserLeft() | MemberCount():
                self.member_count = event.member_count
                self._take_passing(event)
            case TypingChanged() | PresenceChanged() | DeliveredMarker():
                self._take_passing(event)
            case ReadMarker():
                self.reading.heard(event)
                self._take_passing(event)
            case Unknown(epoch=str(epoch), seq=int(seq), id=None):
                self._take_placed(Position(epoch, seq), None)

    def _take_joined(self, event: RoomJoined) -> None:
        first = self._walk.position is None
        if first:
            self.start = event.position
        self._walk.joined(event.position, self._since)
        self._head_seq = event.seq
        self.head = event.position
        self._joined_at = self._loop.time()
        self.member_count = event.member_count
        self.reading.joined(event)
        self.standing.joined(event)
        self.typists.clear()

    def _take_placed(self, position: Position, event: Ordered | None) -> None:
        """Take what has a place; of a type that is not known here, the place alone."""
        self._note_head(position)
        step = self._walk.step(position)
        if step is Step.NEXT and (event is None or self.buffer.put(event)):
            self._walk.advance(position)
            if event is not None:
                self.typists.apply(event, self._loop.time())
                self.standing.apply(event, self.reading.user_id)
            self.holes = 0
            if position.seq == self._head_seq:
                self._wake()  # commands in doubt wait for that
        elif step in (Step.NEXT, Step.HOLE):
            if step is Step.HOLE:
                self._note_hole(position)
            self._walk.fall_behind()
            self._wake()

    def _note_head(self, position: Position) -> None:
        head = self.head
        if head is None or position.epoch != head.epoch or position.seq > head.seq:
            self.head = position

    def _note_hole(self, position: Position) -> None:
        self.holes += 1
        here = self._walk.position
        log.warning("%s: %s does not follow %s, asking again", self._room_id, position, here)

    def _take_gap(self, gap: Gap) -> None:
        if not self._walk.listening:
            return
        self._on_gap()
        self.reading.lost(gap)
        if gap.reason == "reset":
            self.standing.lost(gap.from_seq)
        if self.head is None or self.head.epoch != gap.epoch:
            self.head = gap.position  # what follows it is yet to come
        if self.buffer.put(gap):
            self._walk.advance(gap.position)
        else:
            self._walk.fall_behind()

    def _take_passing(self, event: Event) -> None:
        self.typists.apply(event, self._loop.time())
        self.buffer.put_passing(event)
