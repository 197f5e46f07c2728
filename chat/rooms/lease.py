"""The worker's lease on its members.

Presence in Redis belongs to a lease, one per worker and group of rooms, renewed every few seconds.
A worker that is killed, or stopped for longer than the lease lasts, loses it; whichever worker
notices first sweeps up behind it. A worker that comes back from the dead takes a new lease and
announces its members again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.members import Members
from chat.rooms.hub import Hub
from chat.rooms.presence import Presence
from chat.rooms.room import Room
from chat.rooms.sweeper import Sweeper
from chat.settings import Settings

log = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews, and notices who has not."""

    def __init__(
        self,
        settings: Settings,
        members: Members,
        hub: Hub,
        presence: Presence,
        sweeper: Sweeper,
        on_distrust: Callable[[], None],
    ) -> None:
        self.is_held = False
        self._settings = settings
        self._members = members
        self._hub = hub
        self._presence = presence
        self._sweeper = sweeper
        self._on_distrust = on_distrust
        self._is_new = True
        self._is_ending = False
        self._renew_now = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._patient_until_s = 0.0

    def distrust(self) -> None:
        """Redis may have gone back in time: what it holds of us is not to be relied on."""
        self._lose_sight()
        self._is_new = True
        self._sweeper.former(self._presence.take_new_lease(self._rooms()))
        self._renew_now.set()
        self._on_distrust()

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            try:
                if self._is_ending:
                    return
                if self._members.is_up:
                    await self._renew()
                else:
                    self._lose_sight()
            except LinkError as exc:
                self._lose_sight()
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
            self._renew_now.set()  # given up meanwhile
            return
        if not kept:
            log.warning("lease_lost", extra={"lease": lease})
            self.distrust()
            self._hub.gaps.resync(self._rooms())  # either we stood still, or Redis was emptied
            return
        self._is_new = False
        self.is_held = True
        if self._loop.time() >= self._patient_until_s:
            self._sweeper.dead([other for other in expired if other != lease])

    def _rooms(self) -> list[Room]:
        return self._hub.rooms_of_group(self._members.group)

    def _lose_sight(self) -> None:
        """Redis was away for us, so maybe for all: let the living announce themselves first."""
        if self.is_held:
            self._patient_until_s = self._loop.time() + self._settings.lease_ttl
        self.is_held = False

    async def hand_over(self) -> None:
        """This worker ends: its members stay for the grace, then another worker sweeps them.

        Raises:
            LinkError: Redis is away; the lease runs out by itself.
        """
        self._is_ending = True
        await self._members.end_lease(self._presence.lease, self._settings.presence_grace)
