"""Cleans up behind leases that ended: members out of their rooms, with the events that are due.

In a task of its own, some rooms at a time: a dead worker may have held tens of thousands of rooms,
and whoever sweeps them has to go on renewing its own lease meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.members import Members
from chat.ops.stats import Stats
from chat.rooms.hub import Hub
from chat.rooms.presence import Presence

log = logging.getLogger(__name__)

ROOMS_AT_ONCE = 64
MEMBERS_PER_CALL = 500
CLAIM_S = 15.0
FLUSH_TIMEOUT_S = 5.0
RETRY_S = 1.0


class Sweeper:
    """Leases to clean up behind: those of dead workers, and this worker's own former ones.

    Args:
        stats: counts swept workers.
        members: of the group.
        hub: the rooms.
        presence: who is in them.
        on_swept: called with a dead lease and users that it held in a room.
    """

    def __init__(
        self,
        stats: Stats,
        members: Members,
        hub: Hub,
        presence: Presence,
        on_swept: Callable[[str, list[str]], None],
    ) -> None:
        self._stats = stats
        self._members = members
        self._hub = hub
        self._presence = presence
        self._on_swept = on_swept
        self._dead: dict[str, None] = {}
        self._own: list[str] = []
        self._work = asyncio.Event()

    def dead(self, leases: list[str]) -> None:
        """Leases that ran out; whichever worker claims one cleans up."""
        for lease in leases:
            self._dead[lease] = None
            self._work.set()

    def former(self, lease: str) -> None:
        """A lease this worker gave up: swept once all it held is held anew, so nobody flickers."""
        self._own.append(lease)
        self._work.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                while self._dead:
                    await self._sweep(next(iter(self._dead)))
                await self._sweep_former()
            except LinkError as exc:
                self._dead.clear()  # they are reported again with the next renewal
                log.warning("sweep_interrupted", extra={"error": str(exc)})
            if self._own:
                await asyncio.sleep(RETRY_S)
                self._work.set()

    async def _sweep_former(self) -> None:
        if not self._own:
            return
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self._presence.flushed()
        except TimeoutError:
            return  # busy with announcing; tried again
        while self._own:
            rooms = self._hub.rooms_of_group(self._members.group)
            await self._sweep_rooms([room.room_id for room in rooms], self._own[0])
            self._own.pop(0)

    async def _sweep(self, lease: str) -> None:
        if not await self._members.claim_sweep(lease, CLAIM_S):
            self._dead.pop(lease, None)
            return
        rooms = 0
        while room_ids := await self._members.rooms_of(lease, ROOMS_AT_ONCE):
            await self._sweep_rooms(room_ids, lease, claimed=True)
            await self._members.forget_rooms(lease, room_ids)
            await self._members.extend_claim(lease, CLAIM_S)
            rooms += len(room_ids)
        await self._members.forget_lease(lease)
        self._dead.pop(lease, None)  # only now, so that it is not taken up twice
        self._stats.presence_swept_workers += 1
        log.info("lease_swept", extra={"lease": lease, "rooms": rooms})

    async def _sweep_rooms(self, room_ids: list[str], lease: str, *, claimed: bool = False) -> None:
        for start in range(0, len(room_ids), ROOMS_AT_ONCE):
            together = room_ids[start : start + ROOMS_AT_ONCE]
            await asyncio.gather(
                *(self._sweep_room(room_id, lease, claimed=claimed) for room_id in together)
            )

    async def _sweep_room(self, room_id: str, lease: str, *, claimed: bool) -> None:
        left = 1
        while left:
            left, users = await self._members.sweep(room_id, lease, MEMBERS_PER_CALL)
            if claimed:
                self._on_swept(lease, users)
            if claimed and left:
                await self._members.extend_claim(lease, CLAIM_S)
