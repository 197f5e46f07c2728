"""Who of this worker's users is in which room, kept true in Redis.

State, not operations, is what gets written: a (room, user) pair whose truth may differ from Redis
is marked, and one flusher writes the present truth of all marked pairs in a pipeline. A write that
fails stays marked. A million idle clients mark nothing and so cost Redis nothing.

A user whose last connection broke stays for a grace, so that a page reload or a moved connection
does not flicker. When very many break at once, they leave at a bounded rate after it: each leave is
an event for all the others, and most of those users are on their way back.

A worker's members belong to its lease; when the lease is lost everything is marked again under a
new one.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from chat.broker.link import LinkError
from chat.broker.members import Members
from chat.broker.pacing import Pacing
from chat.protocol.availability import PLAIN, Availability
from chat.rooms.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: Pairs written in one pipeline that somebody waits for, and at least so many of the others.
BATCH = 256
BATCH_OTHERS = 64
#: Digits of a lease; the first of them are the id of its worker.
LEASE_LENGTH = 20
WORKER_ID_LENGTH = 10
Pair = tuple[Room, str]


def describe(user_id: str, display: bytes | None, shown: Availability = PLAIN) -> bytes:
    """Return the JSON a members list holds of a user."""
    fields: dict[str, object] = {"userId": user_id}
    if display is not None:
        fields["user"] = orjson.Fragment(display)
    if shown.state != PLAIN.state:
        fields["state"] = shown.state
    if shown.status:
        fields["status"] = shown.status
    return orjson.dumps(fields)


class Presence:
    """The flusher and what it has to write.

    Args:
        members: where it is written.
        grace_s: how long a user stays whose connection broke.
        leaves_per_s: users that leave in a second at most.
        worker_id: begins the names of the leases.
        shown: tells what others see of a user.
        on_differing: called with a user of whom the list of a room has something else to say.
    """

    def __init__(
        self,
        members: Members,
        grace_s: float,
        leaves_per_s: int,
        *,
        worker_id: str = "",
        shown: "Callable[[str], Availability]" = lambda _user_id: PLAIN,
        on_differing: "Callable[[str], None]" = lambda _user_id: None,
    ) -> None:
        self._worker_id = worker_id
        self._shown = shown
        self._on_differing = on_differing
        self.lease = _new_lease(worker_id)
        self._members = members
        self._grace_s = grace_s
        self._leaves_per_s = leaves_per_s
        self._loop = asyncio.get_running_loop()
        self._marked: dict[Pair, None] = {}
        self._writing: set[Pair] = set()
        self._waiters: dict[Pair, list[asyncio.Future[int]]] = {}
        self._grace: OrderedDict[Pair, float] = OrderedDict()
        self._work = asyncio.Event()
        self._clean = asyncio.Event()  # nothing is marked or being written
        self._clean.set()

    # ------------------------------------------------------------ what changes

    async def arrive(self, room: Room, user_id: str, display: bytes | None) -> int:
        """Count a connection in; return the cluster-wide member count with this user in it.

        Raises:
            LinkError: Redis is away; the user is not counted.

        Cancellation: the caller must call `depart` if this does not return.
        """
        first = room.user_arrived(user_id)
        if display is not None:
            room.display[user_id] = display
        pair = (room, user_id)
        known = self._grace.pop(pair, None) is not None or not first
        if known and pair not in self._marked and pair not in self._writing:
            return room.member_count
        room.member_count = await self._written(pair)
        return room.member_count

    def depart(self, room: Room, user_id: str, *, at_once: bool) -> None:
        """Count a connection out; if it broke, its user leaves after a grace only."""
        if not room.user_departed(user_id):
            return
        if at_once:
            self._mark((room, user_id))
        else:
            self._grace[room, user_id] = self._loop.time() + self._grace_s

    def end_grace(self, room: Room, user_id: str) -> None:
        """Let a user whose connection broke leave now, if there is such a one."""
        if self._grace.pop((room, user_id), None) is not None:
            self._mark((room, user_id))

    @property
    def in_grace(self) -> int:
        """Users whose connection broke and who have not left yet."""
        return len(self._grace)

    def on_tick(self) -> None:
        """Once a second: let users go whose grace is over, longest away first."""
        now_s = self._loop.time()
        for pair, deadline_s in list(islice(self._grace.items(), self._leaves_per_s)):
            if deadline_s > now_s:
                break
            del self._grace[pair]
            self._mark(pair)

    def take_new_lease(self, rooms: list[Room]) -> str:
        """Hold everything under a fresh lease; return the old one, to be swept once flushed."""
        old, self.lease = self.lease, _new_lease(self._worker_id)
        for room in rooms:
            for user_id in room.users:
                self._mark((room, user_id))
        for pair in self._grace:
            self._mark(pair)
        return old

    async def flushed(self) -> None:
        """Wait until Redis holds the truth."""
        await self._clean.wait()

    # --------------------------------------------------------------- flushing

    async def run(self) -> None:
        """Write marked pairs until cancelled."""
        pacing = Pacing()
        while True:
            await self._work.wait()
            self._work.clear()
            batch = [self._take(pair) for pair in self._next()]
            results = await asyncio.gather(*(self._write(taken) for taken in batch))
            self._writing.clear()
            self._tidy({taken.pair[0] for taken in batch})
            if self._marked:
                self._work.set()
            else:
                self._clean.set()
            if batch and all(results):
                pacing.reset()
            else:
                await pacing.wait()

    def _next(self) -> list[Pair]:
        """Return the next marked pairs, without those that would only fail.

        Who arrives goes first: somebody waits for that, and is told even if it fails; for a leave
        nobody waits. Many rooms of a shard that is away must not hold up those of another.
        """
        reaches, waiters = self._members.reaches, self._waiters
        awaited = list(islice(waiters, BATCH))
        others = (pair for pair in self._marked if pair not in waiters and reaches(pair[0].room_id))
        return awaited + list(islice(others, max(BATCH_OTHERS, BATCH - len(awaited))))

    def _take(self, pair: Pair) -> "_Taken":
        """Unmark a pair: a change from here on marks it again."""
        del self._marked[pair]
        self._writing.add(pair)
        return _Taken(pair, self._waiters.pop(pair, []))

    async def _write(self, taken: "_Taken") -> bool:
        """Write the truth about one pair; on failure mark it again."""
        room, user_id = taken.pair
        lease = self.lease
        present = user_id in room.users or taken.pair in self._grace
        info = b""
        if present:
            info = describe(user_id, room.display.get(user_id), self._shown(user_id))
        is_first = present and room.lease != lease
        if is_first:
            room.lease = lease
        try:
            room.member_count, room.held, differs = await self._members.put(
                room.room_id, lease, user_id, info, present=present, first_in_room=is_first
            )
        except LinkError as exc:
            room.lease = ""
            self._mark(taken.pair)
            taken.settle(exc)
            return False
        if differs:
            self._on_differing(user_id)
        if not present and user_id not in room.users:
            room.display.pop(user_id, None)
        taken.settle(room.member_count)
        return True

    def _tidy(self, rooms: set[Room]) -> None:
        """Take rooms in which nobody is held any more off the sweepers' list.

        Nothing waits for that, and what follows on the way to Redis stays behind it.
        """
        left = [room for room in rooms if room.held == 0 and room.lease == self.lease]
        for room in left:
            room.lease = ""  # the next write puts it back
        if left:
            self._members.let_go(self.lease, [room.room_id for room in left])

    def _mark(self, pair: Pair) -> None:
        self._marked[pair] = None
        self._clean.clear()
        self._work.set()

    async def _written(self, pair: Pair) -> int:
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._waiters.setdefault(pair, []).append(waiter)
        self._mark(pair)
        return await waiter


class _Taken:
    """A pair about to be written, and who waits for that."""

    __slots__ = ("_waiters", "pair")

    def __init__(self, pair: Pair, waiters: list[asyncio.Future[int]]) -> None:
        self.pair = pair
        self._waiters = waiters

    def settle(self, outcome: int | LinkError) -> None:
        for waiter in self._waiters:
            if waiter.done():
                continue
            if isinstance(outcome, LinkError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)


def _new_lease(worker_id: str) -> str:
    return worker_id + secrets.token_hex(LEASE_LENGTH // 2 - len(worker_id) // 2)


def worker_of(lease: str) -> str:
    """Return the id of the worker whose lease this is."""
    return lease[:WORKER_ID_LENGTH]
