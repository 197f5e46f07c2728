"""What others are shown of this worker's users: written for the cluster, and told in rooms.

Nothing is kept for a user who is plainly online.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from chat.broker.link import LinkError
from chat.broker.user_presence import ACTIVE, GONE, IDLE, UserPresence, UserRecord, Wish
from chat.ops.stats import Stats
from chat.protocol.availability import PLAIN, Availability
from chat.rooms.attendance import Attendance

if TYPE_CHECKING:
    from chat.rooms.room import Room
    from chat.worker.session import Session

log = logging.getLogger(__name__)


class ShownStates:
    """Away, busy and status texts of users here.

    Args:
        stats: counts.
        presence: where it is kept.
        attendance: by whom rooms are told.
        worker_id: of this worker.
        consider: has a user looked at again.
        rest: gives a user, in so many rooms, no further turn for a while.
    """

    def __init__(
        self,
        stats: Stats,
        presence: UserPresence,
        attendance: Attendance,
        worker_id: str,
        *,
        consider: Callable[[str], None],
        rest: Callable[[str, int], None],
    ) -> None:
        self._stats = stats
        self._presence = presence
        self._attendance = attendance
        self._worker_id = worker_id
        self._consider = consider
        self._rest = rest
        self._shown: dict[str, Availability] = {}
        self._untold: set[str] = set()  # whose rooms here have to be told in any case
        self._noted_idle: set[str] = set()  # of whom Redis knows that nobody is at a device here

    def __len__(self) -> int:
        return len(self._shown)

    def of(self, user_id: str) -> Availability:
        """Return what others see of a user who is connected here."""
        return self._shown.get(user_id, PLAIN)

    def is_idle(self, user_id: str) -> bool:
        """Whether Redis knows that nobody is at any of a user's devices here."""
        return user_id in self._noted_idle

    def retell(self, user_id: str) -> None:
        """Have a user's rooms told whatever they know."""
        self._untold.add(user_id)
        self._consider(user_id)

    def learn(self, user_id: str, record: UserRecord | None) -> None:
        """Take what Redis knows of a user who has just come, None for nothing else than that."""
        if record is None:
            if user_id in self._shown:
                self.retell(user_id)
            return
        others = [place for place in record.places if place != self._worker_id]
        if others and record.choice is None and all(record.places[place] for place in others):
            self._tell_workers(user_id, others)  # nobody was at any device, and now somebody is
        if record.availability != self.of(user_id):
            if record.availability != PLAIN:
                self._shown[user_id] = record.availability  # a join on its way takes it along
            self.retell(user_id)

    async def show(
        self, user_id: str, sessions: "Sequence[Session]", wish: Wish | None, *, is_idle: bool
    ) -> None:
        """Write how a user is here, and tell others what that makes of it.

        Raises:
            LinkError: no answer, and nothing is told.
        """
        was_idle = user_id in self._noted_idle
        record = await self._presence.note(
            user_id, self._worker_id, IDLE if is_idle else ACTIVE, wish=wish or Wish()
        )
        (self._noted_idle.add if is_idle else self._noted_idle.discard)(user_id)
        rooms = {room for session in sessions for room in session.rooms}
        if wish is not None or is_idle != was_idle:
            self._stats.user_states_set += wish is not None
            self._tell_workers(user_id, record.places)
            self._rest(user_id, len(rooms))
        try:
            await self._tell_rooms(user_id, rooms, record)
        except LinkError as exc:
            log.debug("user_state_not_told", extra={"error": str(exc)})
            self.retell(user_id)

    async def _tell_rooms(self, user_id: str, rooms: "set[Room]", record: UserRecord) -> None:
        shown = (await self._of_the_living(record)).availability
        is_told = user_id in self._untold or shown != self.of(user_id)
        self._untold.discard(user_id)
        if shown == PLAIN:
            self._shown.pop(user_id, None)
        else:
            self._shown[user_id] = shown
        if is_told:
            self._rest(user_id, len(rooms))
            news = await asyncio.gather(
                *(self._attendance.tell_state(room, user_id, shown) for room in rooms)
            )
            self._stats.user_states_told += sum(news)

    async def keep(self, user_id: str, wish: Wish) -> None:
        """Write what a user wants who is not here just now; it is told when the user is back.

        Raises:
            LinkError: no answer.
        """
        await self._presence.note(user_id, self._worker_id, ACTIVE, wish=wish)

    async def let_go(self, user_id: str, wish: Wish | None, ago_s: float) -> None:
        """Write that a user has no connection here any more, for `ago_s` seconds.

        Raises:
            LinkError: no answer.
        """
        self._shown.pop(user_id, None)
        self._noted_idle.discard(user_id)
        self._untold.discard(user_id)
        record = await self._presence.note(
            user_id, self._worker_id, GONE, ago_s=ago_s, wish=wish or Wish()
        )
        self.tell_if_idle(user_id, record)

    def tell_if_idle(self, user_id: str, record: UserRecord) -> None:
        """A user has left a worker; idle devices on others may show something else now."""
        if record.choice is None and all(record.places.values()):
            self._tell_workers(user_id, record.places)
            if self._worker_id in record.places:
                self._consider(user_id)

    async def _of_the_living(self, record: UserRecord) -> UserRecord:
        others = set(record.places) - {self._worker_id}
        if not others:
            return record
        return record.without(others - await self._presence.living(others))

    def _tell_workers(self, user_id: str, worker_ids: Iterable[str]) -> None:
        others = [worker_id for worker_id in worker_ids if worker_id != self._worker_id]
        try:
            if others:
                self._presence.tell_workers(user_id, others)
        except LinkError as exc:  # they are right again when they look next
            log.debug("user_state_not_told", extra={"error": str(exc)})
