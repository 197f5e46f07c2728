"""States of this worker's users: what may have changed about a user is looked at in a round.

State, not operations, as in `chat.rooms.presence`: a round writes what this worker has of the user
into the user's slot, takes back what the whole cluster knows, and gives that to the user's rooms
here if it is news. Rounds are some way apart, so that their one walk over the connections is all
they cost, and who sends a hundred changes a second has the last of them told.
"""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, cast

from chat.broker.link import LinkError
from chat.broker.refusals import busy
from chat.broker.user_presence import UserPresence, UserRecord, Wish, decode_changed, grace
from chat.ops.stats import Stats
from chat.protocol.availability import Availability
from chat.rooms.attendance import Attendance
from chat.settings import Settings
from chat.worker.idle_devices import IdleDevices
from chat.worker.orphans import Orphans
from chat.worker.shown_states import ShownStates
from chat.worker.turns import Turns

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session

log = logging.getLogger(__name__)

ROUND_S = 0.25
#: How long those who come are gathered before Redis is told of them.
GATHER_S = 0.02
#: Users looked at in a round: after a crowd was cut off, all of it must not come at once.
USERS_PER_ROUND = 500
#: Connections passed in one stretch of a walk over them.
STRETCH = 5000
#: Connections announced anew in a second, when Redis may have forgotten them.
RESYNC_PER_TICK = 1000
#: Changes that wait, while Redis is away for long.
WISHES_MAX = 100_000
#: Rooms that may be told of a change every interval; who is in more is told of less often.
ROOMS_AT_FULL_RATE = 20


class UserStates:
    """What is known of this worker's users.

    Args:
        settings: grace and intervals.
        stats: counts.
        presence: where it is kept.
        attendance: by whom rooms are told.
        connections: those of this worker.
        worker_id: of this worker.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        presence: UserPresence,
        attendance: Attendance,
        connections: "Callable[[], Iterable[Connection]]",
        worker_id: str,
    ) -> None:
        self.presence = presence
        self._settings = settings
        self._stats = stats
        self._connections = connections
        self._worker_id = worker_id
        self._loop = asyncio.get_running_loop()
        self._states = ShownStates(
            stats, presence, attendance, worker_id, consider=self._consider, rest=self._rest
        )
        self._idle = IdleDevices()
        self._turns = Turns(settings.presence_grace, USERS_PER_ROUND)
        self._orphans = Orphans(presence, settings.lease_ttl, self._states.tell_if_idle)
        self._newcomers: dict[str, None] = {}  # not announced yet
        self._wishes: dict[str, Wish] = {}  # not in Redis yet
        self._came_back: set[str] | None = None  # during the walk that is under way
        self._resync: Iterator[Connection] = iter(())
        self._resync_again_s = 0.0
        self._work = asyncio.Event()
        self.shown = self._states.of
        attendance.on_differing = self._states.retell

    # ------------------------------------------------------------ what changes

    def arrived(self, user_id: str) -> None:
        """A user has a connection, or a new token on one."""
        self._turns.come(user_id)
        if self._came_back is not None:
            self._came_back.add(user_id)
        if self._states.is_idle(user_id):
            self._consider(user_id)  # the new one decides, if it is one
            return

        if not self._newcomers:
            self._loop.call_later(GATHER_S, self._announce)
        self._newcomers[user_id] = None

    def hurry(self, user_id: str) -> None:
        """Announce a user now: what comes next goes by what Redis knows."""
        if user_id in self._newcomers:
            self._announce()

    def _announce(self) -> None:
        """Tell Redis of those who have come lately."""
        newcomers, self._newcomers = list(self._newcomers), {}
        self.presence.arrive(newcomers, self._worker_id, self._learn)

    def _learn(self, user_id: str, known: UserRecord | LinkError | None) -> None:
        if isinstance(known, LinkError):
            self._consider(user_id)
        else:
            self._states.learn(user_id, known)

    def departed(self, connection: "Connection", user_id: str) -> None:
        """A connection is gone; its user is, if none comes back within the grace."""
        self.hurry(user_id)
        self._turns.leave(user_id, self._loop.time())
        self._idle.remove(user_id, connection)

    def choose(self, user_id: str, wish: Wish) -> None:
        """A user wants others to see something else.

        Raises:
            CommandError: busy, when too much waits for Redis.
        """
        before = self._wishes.get(user_id)
        if before is None and len(self._wishes) >= WISHES_MAX:
            raise busy()
        self._wishes[user_id] = wish if before is None else before.followed_by(wish)
        self._consider(user_id)

    def notice(self, connection: "Connection", user_id: str, *, is_idle: bool) -> None:
        """A device says whether somebody is at it."""
        if is_idle:
            self._idle.add(user_id, connection)
        else:
            self._idle.remove(user_id, connection)
        self._consider(user_id)

    def joined(self, user_id: str, told: Availability) -> None:
        """A room was given a user's state when the user joined, and it may be another by now."""
        if self.shown(user_id) != told:
            self._states.retell(user_id)

    def _consider(self, user_id: str) -> None:
        self._turns.change(user_id)
        self._work.set()

    def _rest(self, user_id: str, rooms: int) -> None:
        rooms_s = max(1.0, rooms / ROOMS_AT_FULL_RATE)
        interval_s = self._settings.presence_change_interval * rooms_s
        self._turns.rest(user_id, self._loop.time() + interval_s)

    # ------------------------------------------------------------- from others

    def heard(self, payload: bytes) -> None:
        """Another worker has changed something about a user."""
        try:
            worker_ids, user_id = decode_changed(payload)
        except ValueError as exc:  # a stranger on our channel
            log.warning("bad_user_change", extra={"error": str(exc)})
            return
        if self._worker_id in worker_ids:
            self._consider(user_id)

    def distrust(self) -> None:
        """Redis may have forgotten us: announce all again, and once more behind who sweeps."""
        self.resync()
        self._resync_again_s = self._loop.time() + 2 * self._settings.lease_ttl

    def resync(self) -> None:
        """Something may have been missed: announce all, and hear what is known of them."""
        self._resync = iter(list(self._connections()))

    def swept(self, worker_id: str, user_ids: list[str]) -> None:
        """A dead worker held these users in a room."""
        if worker_id != self._worker_id:
            self._orphans.add(worker_id, user_ids)

    # ------------------------------------------------------------------ rounds

    def on_tick(self) -> None:
        """Once a second: begin rounds for who has left; announce connections anew."""
        now_s = self._loop.time()
        if self._resync_again_s and now_s >= self._resync_again_s:
            self._resync_again_s = 0.0
            self.resync()
        for connection in islice(self._resync, RESYNC_PER_TICK):
            if connection.user_id and connection.is_open:
                self.arrived(connection.user_id)
        self._turns.forget(now_s)
        self._stats.user_states = len(self._states)
        if self._orphans or not self._turns.is_empty:
            self._work.set()

    async def run(self) -> None:
        """Look at users until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self._round()
            await self._orphans.settle()
            await asyncio.sleep(ROUND_S)
            if self._turns.has_changed:
                self._work.set()

    async def _round(self) -> None:
        turns = self._turns.take(self._loop.time(), self.presence.reaches)
        if not turns:
            return
        self._came_back = set()
        sessions = await self._sessions_of(turns)
        came_back, self._came_back = self._came_back, None
        await asyncio.gather(
            *(
                self._settle(user_id, sessions.get(user_id, []), left_s)
                for user_id, left_s in turns.items()
                if user_id in sessions or user_id not in came_back
            )
        )

    async def _sessions_of(self, users: Container[str]) -> "dict[str, list[Session]]":
        """Find the sessions of users: an index of all would cost each connection memory."""
        found: dict[str, list[Session]] = {}
        for number, connection in enumerate(list(self._connections()), 1):
            if connection.user_id in users and connection.handler is not None:
                session = cast("Session", connection.handler)
                found.setdefault(connection.user_id, []).append(session)
            if number % STRETCH == 0:
                await asyncio.sleep(0)
        return found

    async def _settle(self, user_id: str, sessions: "list[Session]", left_s: float | None) -> None:
        """Write what is here of a user, and have it shown."""
        wish = self._wishes.pop(user_id, None)
        is_idle = self._idle.are_all(user_id, sessions)
        try:
            if sessions:
                await self._states.show(user_id, sessions, wish, is_idle=is_idle)
            elif not self._turns.is_leaving(user_id):
                ago_s = 0.0 if left_s is None else self._loop.time() - left_s
                await self._states.let_go(user_id, wish, ago_s)
            elif wish is not None:
                await self._states.keep(user_id, wish)
        except LinkError as exc:
            log.debug("user_state_waits", extra={"error": str(exc)})
            self._again(user_id, wish, left_s)

    def _again(self, user_id: str, wish: Wish | None, left_s: float | None) -> None:
        """Redis has not answered: what is newer by now counts, and what is not is tried again."""
        if wish is not None:
            later = self._wishes.pop(user_id, Wish())
            self._wishes[user_id] = wish.followed_by(later)
        if left_s is not None and not self._turns.is_leaving(user_id):
            self._turns.leave(user_id, left_s)
        else:
            self._states.retell(user_id)

    # -------------------------------------------------------------------- the end

    async def hand_over(self) -> None:
        """This worker ends: its users count as connected for the grace.

        Raises:
            LinkError: no answer; readers leave this worker out once it is forgotten.
        """
        now_s, has = self._loop.time(), grace(self._settings.presence_grace)
        await asyncio.gather(
            *(
                self.presence.note(
                    user_id,
                    self._worker_id,
                    has,
                    ago_s=now_s - left_s,
                    wish=self._wishes.pop(user_id, Wish()),
                )
                for user_id, left_s in self._turns.take_leaving().items()
            )
        )
