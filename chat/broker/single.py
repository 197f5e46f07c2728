"""Routes where one master has everything: a server alone, or the one behind Sentinels."""

import asyncio
from collections.abc import Awaitable, Callable

from chat.broker.detour import Detours
from chat.broker.sentinel import MasterFinder
from chat.broker.shard import NOSCRIPT, Route, Shard
from chat.broker.slots import Redirection
from chat.broker.target import Address, Sentinel, Standalone
from chat.settings import Settings

Locate = Callable[[], Awaitable[Address]]
#: The one slot there is.
SLOT = 0


class SingleMaster:
    """One shard.

    Args:
        target: a server, or Sentinels that name one.
        settings: bounds.
        name: how connections are called in Redis.
        make_shard: makes a shard, given how to locate its master.
    """

    def __init__(
        self,
        target: Standalone | Sentinel,
        settings: Settings,
        name: str,
        make_shard: Callable[[Locate], Shard],
    ) -> None:
        self._finder: MasterFinder | None = None
        if isinstance(target, Sentinel):
            self._finder = MasterFinder(target, name)
            self.locate: Locate = self._finder.locate
        else:
            self.locate = at(target.address)
        self.only = make_shard(self.locate)
        self.shards = [self.only]
        self._route: Route = self.only
        self.detours = Detours(
            route=lambda _: self.only,
            place=self._place,
            remedy=remedy,
            patience_s=settings.redis_timeout / 2,
            most_waiting=settings.redis_max_in_flight,
        )

    def shard(self, _tag: str) -> Route:
        """Return the shard, or what stands for it while it is held."""
        return self._route

    def slot(self, _tag: str) -> int:
        """Return the one slot."""
        return SLOT

    async def run(self) -> None:
        """Keep the shard connected until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.only.run())
                if self._finder is not None:
                    group.create_task(self._finder.follow(self._on_switch))
        finally:
            await self.detours.stop()

    def problems(self) -> list[str]:
        """Return nothing: whether the shard is up says all."""
        return []

    def _on_switch(self, master: Address) -> None:
        if self.only.address not in (None, master):
            self.only.leave(f"the master is now {master}")

    def _place(self, _slot: int, route: Route) -> None:
        self._route = route


async def remedy(redirection: Redirection, shard: Shard) -> None:
    """Do something about the reason for which a shard turned commands away.

    Raises:
        LinkError: it does not answer.
    """
    if redirection is NOSCRIPT:
        await shard.load_scripts()
    else:
        await shard.refresh()


def at(address: Address) -> Locate:
    """Return a way to locate a master that does not move."""

    async def locate() -> Address:
        return address

    return locate
