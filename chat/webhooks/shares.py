"""Which groups of rooms this process serves: shared among all that run, one owner a group.

A group changes its owner only when the former one has let go of it, or is dead. That spares
endpoints duplicates; that none is lost or out of order does not depend on it (`cursors.py`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from chat.broker.link import LinkError
from chat.broker.news import SHARES_TAG, News
from chat.broker.store import Store

log = logging.getLogger(__name__)

#: How often it is looked whether Redis is there.
AWAY_S = 0.05


class Shares:
    """Renews them.

    Args:
        store: the Redis connection.
        news: its groups.
        process_id: unique among processes.
        gained: called with each group that is ours from then on.
        let_go: called with each that others are to have; returns when nothing of it is under way.
    """

    def __init__(
        self,
        store: Store,
        news: News,
        process_id: str,
        *,
        gained: Callable[[int], None],
        let_go: Callable[[int], Awaitable[None]],
    ) -> None:
        self.groups: set[int] = set()
        self.are_held = False  # the last renewal worked
        self._store = store
        self._news = news
        self._process_id = process_id
        self._gained = gained
        self._let_go = let_go
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Renew until cancelled."""
        interval_s = self._store.settings.lease_interval
        async with asyncio.TaskGroup() as tasks:
            while True:
                while not self._store.is_up:
                    self.are_held = False
                    await asyncio.sleep(AWAY_S)
                self._look.clear()
                try:
                    await self._renew(tasks)
                    self.are_held = True
                except LinkError as exc:
                    self.are_held = False
                    log.warning("hook_shares_not_renewed", extra={"error": str(exc)})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(interval_s):
                        await self._look.wait()

    async def leave(self) -> None:
        """Give up all groups; nothing of them is under way any more.

        Raises:
            LinkError: no answer; others have them when the lease has run out.
        """
        self.groups.clear()
        await self._ask(0)

    async def _renew(self, tasks: asyncio.TaskGroup) -> None:
        released = [group for group, leaving in self._leaving.items() if leaving.done()]
        answer = await self._ask(int(self._store.settings.lease_ttl * 1000), *released)
        for group in released:
            del self._leaving[group]
        mine = {group for group in answer if group >= 0}
        for group in sorted(mine - self.groups - self._leaving.keys()):
            self.groups.add(group)
            self._gained(group)
        for group in sorted(self.groups - mine):  # unwanted, or we were taken for dead
            self.groups.discard(group)
            self._leaving[group] = tasks.create_task(self._leave(group), name=f"let-go-{group}")

    async def _leave(self, group: int) -> None:
        await self._let_go(group)
        self._look.set()

    async def _ask(self, ttl_ms: int, *released: int) -> list[int]:
        found: list[int] = await self._store.evaluated(
            self._store.scripts.share_renew,
            SHARES_TAG,
            self._news.shares,
            self._process_id,
            ttl_ms,
            self._news.groups,
            *released,
        )
        return found
