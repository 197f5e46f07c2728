"""The worker's lease on its members, and the duty to clean up behind workers that died.

Presence in Redis belongs to a lease, one per worker and renewed every few seconds. A worker that
is killed, or stopped for longer than the lease lasts, loses it; whichever worker notices first
takes the dead lease's members out of their rooms, with the leave events that are due. A worker
that comes back from the dead takes a new lease and announces its members again.
"""

import asyncio
import contextlib
import logging

from chat.broker.link import LinkError
from chat.broker.members import Members
from chat.ops.stats import Stats
from chat.rooms.hub import Hub
from chat.rooms.presence import Presence
from chat.settings import Settings

log = logging.getLogger(__name__)

SWEEP_ROOMS = 64
SWEEP_MEMBERS = 500
SWEEP_CLAIM_S = 15.0


class LeaseKeeper:
    """Renews, notices the dead, sweeps."""

    def __init__(
        self, settings: Settings, stats: Stats, members: Members, hub: Hub, presence: Presence
    ) -> None:
        self.is_held = False
        self._settings = settings
        self._stats = stats
        self._members = members
        self._hub = hub
        self._presence = presence
        self._is_new = True
        self._old: list[str] = []  # leases lost or renounced, to be swept by ourselves
        self._renew_now = asyncio.Event()

    def distrust(self) -> None:
        """Redis may have gone back in time: what it holds of us is not to be relied on."""
        self._renounce()
        self._renew_now.set()

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            try:
                if self._members.is_up:
                    await self._renew()
                    await self._sweep_old()
                else:
                    self.is_held = False
            except LinkError as exc:
                self.is_held = False
                log.warning("lease_renew_failed", extra={"error": str(exc)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_interval):
                    await self._renew_now.wait()
            self._renew_now.clear()

    async def _renew(self) -> None:
        lease = self._presence.lease
        kept, expired = await self._members.renew_lease(
            lease, self._settings.lease_ttl, new=self._is_new
        )
        if lease != self._presence.lease:
            self._renew_now.set()  # renounced meanwhile
            return
        if not kept:
            log.warning("lease_lost", extra={"lease": lease})
            self._renounce()
            self._renew_now.set()
            self._hub.resync()  # either we stood still, or Redis was emptied
            return
        self._is_new = False
        self.is_held = True
        for other in expired:
            if other != lease:
                await self._sweep(other)

    def _renounce(self) -> None:
        self._is_new = True
        self.is_held = False
        self._old.append(self._presence.take_new_lease(list(self._hub.rooms.values())))

    async def _sweep_old(self) -> None:
        """Take what we held before out of our rooms, once all of it is held anew: no flicker."""
        if not self._old or not self.is_held:
            return
        try:
            async with asyncio.timeout(self._settings.lease_interval):
                await self._presence.flushed()
        except TimeoutError:
            return  # the next round tries again
        old, self._old = self._old, []
        for lease in old:
            for room_id in list(self._hub.rooms):
                await self._sweep_room(room_id, lease)

    async def _sweep(self, lease: str) -> None:
        if not await self._members.claim_sweep(lease, SWEEP_CLAIM_S):
            return
        rooms = 0
        while room_ids := await self._members.rooms_of(lease, SWEEP_ROOMS):
            for room_id in room_ids:
                await self._sweep_room(room_id, lease)
                await self._members.note_room(lease, room_id, held=False)
                rooms += 1
        await self._members.forget_lease(lease)
        self._stats.presence_swept_workers += 1
        log.info("lease_swept", extra={"lease": lease, "rooms": rooms})

    async def _sweep_room(self, room_id: str, lease: str) -> None:
        while await self._members.sweep(room_id, lease, SWEEP_MEMBERS):
            pass

    async def hand_over(self) -> None:
        """This worker ends: its members stay for the grace, then another worker sweeps them.

        Raises:
            LinkError: Redis is away; the lease runs out by itself.
        """
        await self._members.end_lease(self._presence.lease, self._settings.presence_grace)
