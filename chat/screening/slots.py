"""Who may ask at the same time: so many in all, not all of them for one room, and few who wait."""

import asyncio
from collections import Counter, OrderedDict, deque


class FullError(Exception):
    """So many wait already that one more would not get its turn in time; or it did not."""


class Slots:
    """Places that are handed out fairly: rooms take turns, and no room has more than its share.

    Args:
        total: places.
        share: the most of them that one room has at a time.
        queue: the most who wait for one.
    """

    def __init__(self, total: int, share: int, queue: int) -> None:
        self._free = total
        self._share = share
        self._queue = queue
        self._taken: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waiting = 0

    async def take(self, room_id: str, timeout_s: float) -> None:
        """Wait for a place; it has to be given back.

        Raises:
            FullError: there is none in time.

        Cancellation: safe, nothing is taken.
        """
        if self._free and self._taken[room_id] < self._share:  # then nobody of the room waits
            self._grant(room_id)
            return
        if self.waiting >= self._queue:
            raise FullError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(room_id, deque()).append(turn)
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except BaseException as exc:
            if turn.done() and not turn.cancelled():
                self.give(room_id)  # it came in the moment in which nobody wanted it any more
            else:
                self._forget(room_id, turn)
            if isinstance(exc, TimeoutError):
                raise FullError from None
            raise
        finally:
            self.waiting -= 1

    def give(self, room_id: str) -> None:
        """Give a place back; whose turn it is gets it."""
        self._free += 1
        self._taken[room_id] -= 1
        if not self._taken[room_id]:
            del self._taken[room_id]
        for waiting_id in list(self._lines):
            if self._taken[waiting_id] < self._share and self._next(waiting_id):
                return

    def _grant(self, room_id: str) -> None:
        self._free -= 1
        self._taken[room_id] += 1

    def _next(self, room_id: str) -> bool:
        """Give a place to the first of a room's line, if somebody is still there."""
        line = self._lines[room_id]
        turn = None
        while line and (turn is None or turn.cancelled()):
            turn = line.popleft()
        self._tidy(room_id)
        if turn is None or turn.cancelled():
            return False
        self._grant(room_id)
        turn.set_result(None)
        return True

    def _forget(self, room_id: str, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(room_id, ())
        if turn in line:
            self._lines[room_id].remove(turn)
            self._tidy(room_id)

    def _tidy(self, room_id: str) -> None:
        """Put a room behind the others, or out if nobody of it waits."""
        if self._lines[room_id]:
            self._lines.move_to_end(room_id)
        else:
            del self._lines[room_id]
