"""Which rooms an endpoint's courier has in hand: one turn a room, so that its order is kept."""

import asyncio
import time
from collections.abc import Callable, Collection

from chat.broker.news import Lane
from chat.webhooks.cursors import Place

#: Rooms in hand at a time; the others stay in Redis and are looked up when there is room again.
ROOMS_MAX = 10_000


class Turn:
    """One room in hand.

    Attributes:
        position: the next seq to tell, None if that has to be looked up.
        upto: of a delivery that is tried again, the seq behind its last event; 0 for none.
        most: events of a delivery while some are refused, 0 for as many as fit.
        attempts: failed ones in a row.
        oldest_ms: when the oldest event was stored that is not delivered.
        behind: events that are not delivered, as of the last look.
        is_ours: false when the group goes to another process.
        idle: set then when the room does not have its turn any more.
    """

    __slots__ = (
        "again",
        "attempts",
        "behind",
        "idle",
        "is_ours",
        "is_running",
        "most",
        "oldest_ms",
        "place",
        "position",
        "timer",
        "upto",
    )

    def __init__(self, place: Place) -> None:
        self.place = place
        self.position: int | None = None
        self.upto = self.most = self.attempts = 0
        self.oldest_ms = int(time.time() * 1000)
        self.behind = 1
        self.is_ours = True
        self.idle = asyncio.Event()
        self.is_running = False
        self.again = False  # there were news while it ran
        self.timer: asyncio.TimerHandle | None = None  # while it waits for its next attempt


class Turns:
    """All rooms in hand.

    Args:
        on_room: called when rooms that were left out can be looked up.
    """

    def __init__(self, on_room: Callable[[set[Lane]], None]) -> None:
        self._known: dict[Place, Turn] = {}
        self._ready: asyncio.Queue[Turn] = asyncio.Queue()  # of those that are known: bounded
        self._left_out: set[Lane] = set()
        self._on_room = on_room
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._known)

    def in_hand(self) -> Collection[Turn]:
        """Return all of them."""
        return self._known.values()

    def news(self, place: Place) -> None:
        """A room has news."""
        turn = self._known.get(place)
        if turn is not None:
            turn.again = True
        elif len(self._known) >= ROOMS_MAX:
            self._left_out.add(place.lane)
        else:
            turn = self._known[place] = Turn(place)
            self._ready.put_nowait(turn)

    async def next(self) -> Turn:
        """Wait for a room whose turn it is; `ended` or `later` has to follow."""
        turn = await self._ready.get()
        turn.is_running, turn.again = True, False
        return turn

    def later(self, turn: Turn, wait_s: float) -> None:
        """A room has its next turn after a while."""
        turn.is_running = False
        if not turn.is_ours:
            turn.idle.set()
            return
        if wait_s > 0:
            turn.timer = self._loop.call_later(wait_s, self._due, turn)
        else:
            self._ready.put_nowait(turn)

    def ended(self, turn: Turn) -> None:
        """Nothing of a room is left to tell."""
        turn.is_running = False
        if not turn.is_ours:
            turn.idle.set()
            return
        if turn.again:
            self._ready.put_nowait(turn)
            return
        del self._known[turn.place]
        if self._left_out and len(self._known) < ROOMS_MAX // 2:
            lanes, self._left_out = self._left_out, set()
            self._on_room(lanes)

    def hurry(self) -> None:
        """Let all that wait have their turn now."""
        for turn in self._known.values():
            if turn.timer is not None:
                self._due(turn)

    async def let_go(self, group: int) -> None:
        """Put down the rooms of a group; returns when none of them has its turn."""
        mine = [turn for turn in self._known.values() if turn.place.lane.group == group]
        for turn in mine:
            turn.is_ours = False
            del self._known[turn.place]
            if turn.timer is not None:
                turn.timer.cancel()
        self._left_out = {lane for lane in self._left_out if lane.group != group}
        for turn in mine:
            if turn.is_running:
                await turn.idle.wait()

    def _due(self, turn: Turn) -> None:
        if turn.timer is not None:
            turn.timer.cancel()
            turn.timer = None
        self._ready.put_nowait(turn)
