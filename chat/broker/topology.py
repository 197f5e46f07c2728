"""Routes in a Redis Cluster: which master serves which slot, learned from the nodes themselves.

The map is read again every few seconds, when a shard redirects a command, when a link is lost and
while slots have no master; one reading at a time, with a pause between two. A view that is older
than one already seen is passed over while a newer one can be had: a node on the wrong side of a
partition answers too.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable

from chat.broker.detour import Detours
from chat.broker.link import LinkDownError, LinkError, RedisLink, open_link
from chat.broker.shard import Route, Shard, Shut
from chat.broker.single import Locate, at, remedy
from chat.broker.slots import SLOTS, Redirection, View, read_view, slot_of_tag
from chat.broker.target import Address, Cluster
from chat.settings import Settings

log = logging.getLogger(__name__)

#: How often the map is read although nothing asks for it.
INTERVAL_S = 5.0
#: How often while slots have no master, or nothing is known yet.
UNWELL_S = 0.5
#: Least time between two readings; a random part is added, as all workers see the same trouble.
GAP_S = 0.1
#: A node that does not answer within this time is passed over for the next.
ANSWER_S = 1.0
#: How long a slot is left alone whose keys lie on two nodes at the moment.
MOVING_PAUSE_S = 0.05
#: How long a master that serves no slot any more may take to answer what is under way to it.
RETIRE_S = 1.0


class Topology:
    """The shards of a cluster.

    Args:
        target: where to ask first.
        settings: bounds and timeouts.
        name: how connections are called in Redis.
        make_shard: makes a shard, given how to locate its master.
    """

    def __init__(
        self,
        target: Cluster,
        settings: Settings,
        name: str,
        make_shard: Callable[[Locate], Shard],
    ) -> None:
        self.on_change: list[Callable[[], None]] = []  # called when masters or slots are others
        self._target = target
        self._settings = settings
        self._name = name
        self._make_shard = make_shard
        self._unserved = Shut(lambda: LinkDownError("no master serves this slot"))
        self._masters: list[Route] = [self._unserved] * SLOTS
        self._routes: list[Route] = [self._unserved] * SLOTS  # the same, but for held slots
        self._shards: dict[Address, Shard] = {}
        self._running: dict[Address, asyncio.Task[None]] = {}
        self._view = View(0, {}, frozenset())
        self._wanted = asyncio.Event()
        self._hint: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._round = self._loop.create_future()  # done when the next reading is
        self.detours = Detours(
            route=self._masters.__getitem__,
            place=self._routes.__setitem__,
            remedy=self._remedy,
            patience_s=settings.redis_timeout / 2,
            most_waiting=settings.redis_max_in_flight,
        )

    @property
    def shards(self) -> list[Shard]:
        """All masters with slots."""
        return list(self._shards.values())

    def shard(self, tag: str) -> Route:
        """Return where the keys of a hash tag are."""
        return self._routes[slot_of_tag(tag)]

    def slot(self, tag: str) -> int:
        """Return the slot of a hash tag."""
        return slot_of_tag(tag)

    def master(self, slot: int) -> Shard | None:
        """Return the shard that serves a slot."""
        route = self._masters[slot]
        return route if isinstance(route, Shard) else None

    def problems(self) -> list[str]:
        """Return what is wrong with the map, in sentences."""
        unserved = self._view.unserved
        return [f"no master serves {unserved} slots"] if self._shards and unserved else []

    def request(self, hint: Address | None = None) -> None:
        """Have the map read soon, at this node first."""
        self._hint = hint or self._hint
        self._wanted.set()

    async def refreshed(self, hint: Address | None = None) -> None:
        """Have the map read, and wait until that is done or has failed."""
        self.request(hint)
        await asyncio.shield(self._round)

    async def run(self) -> None:
        """Keep the map true and all shards connected until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._read(group)
                    await asyncio.sleep(GAP_S * random.uniform(1.0, 2.0))  # noqa: S311 - jitter
                    with contextlib.suppress(TimeoutError):
                        well = self._shards and not self._view.unserved
                        async with asyncio.timeout(INTERVAL_S if well else UNWELL_S):
                            await self._wanted.wait()
        finally:
            await self.detours.stop()

    async def _remedy(self, redirection: Redirection, shard: Shard) -> None:
        """Do something about the reason for which a shard turned commands away.

        ASK is not followed: nearly all our commands have more than one key, and some of those do
        not exist yet, so that the other node would answer TRYAGAIN until the slot is its own.
        """
        if redirection.kind == "MOVED":
            await self.refreshed(redirection.address)
        elif redirection.kind in ("ASK", "TRYAGAIN"):
            await asyncio.sleep(MOVING_PAUSE_S)
        else:
            await remedy(redirection, shard)

    # ---------------------------------------------------------------- reading

    async def _read(self, group: asyncio.TaskGroup) -> None:
        """Read the map once; who asks from here on waits for the next reading."""
        done, self._round = self._round, self._loop.create_future()
        hint, self._hint = self._hint, None
        self._wanted.clear()
        view = await self._newest(hint)
        if view is not None and view != self._view and not self._is_outdated(view):
            self._adopt(view, group)
        done.set_result(None)

    async def _newest(self, hint: Address | None) -> View | None:
        """Ask nodes until one has a view that is whole and not older than ours."""
        best: View | None = None
        problems = []
        for node in self._nodes(hint):
            try:
                view = await self._ask(node)
            except (OSError, LinkError, TimeoutError, ValueError) as exc:
                problems.append(f"{node}: {exc}")
                continue
            if best is None or view.epoch > best.epoch:
                best = view
            if view.epoch >= self._view.epoch and not view.unserved:
                break
        if best is None:
            log.warning("topology_not_read", extra={"error": "; ".join(problems)})
        return best

    def _is_outdated(self, view: View) -> bool:
        """Whether a view is older than ours, unless ours leads nowhere any more."""
        return view.epoch < self._view.epoch and any(shard.is_up for shard in self.shards)

    def _nodes(self, hint: Address | None) -> list[Address]:
        masters = [address for address, shard in self._shards.items() if shard.is_up]
        others = list(self._view.nodes)
        random.shuffle(masters)
        random.shuffle(others)
        hinted = [hint] if hint else []
        return list(dict.fromkeys([*hinted, *masters, *others, *self._target.seeds]))

    async def _ask(self, node: Address) -> View:
        async with asyncio.timeout(ANSWER_S), self._connected(node) as link:
            info = await link.ask("CLUSTER", "INFO")
            return read_view(info, await link.ask("CLUSTER", "SLOTS"), node)

    @contextlib.asynccontextmanager
    async def _connected(self, node: Address) -> "AsyncIterator[RedisLink | Shard]":
        shard = self._shards.get(node)
        if shard is not None and shard.is_up:
            yield shard
            return
        link = await open_link(node, self._target.access, timeout_s=ANSWER_S, name=self._name)
        try:
            yield link
        finally:
            link.close()

    # --------------------------------------------------------------- adopting

    def _adopt(self, view: View, group: asyncio.TaskGroup) -> None:
        self._view = view
        for address in self._shards.keys() - view.masters.keys():
            shard, task = self._shards.pop(address), self._running.pop(address)
            group.create_task(_retire(shard, task), name=f"retire-{address}")
        for address, slots in view.masters.items():
            shard = self._shards.get(address) or self._make_shard(at(address))
            shard.slots = slots
            if address not in self._shards:
                shard.address = address
                self._shards[address] = shard
                self._running[address] = group.create_task(shard.run(), name=f"shard-{address}")
        masters: list[Route] = [self._unserved] * SLOTS
        for shard in self._shards.values():
            for slot in shard.slots:
                masters[slot] = shard
        self._masters[:] = masters
        for slot in self.detours.held:
            masters[slot] = self._routes[slot]
        self._routes[:] = masters
        log.info(
            "topology_changed",
            extra={
                "masters": ", ".join(f"{shard} ({len(shard.slots)})" for shard in self.shards),
                "unserved": view.unserved,
            },
        )
        for tell in self.on_change:
            tell()


async def _retire(shard: Shard, task: "asyncio.Task[None]") -> None:
    """End the connection to a former master once it has answered what is under way."""
    with contextlib.suppress(LinkError, TimeoutError):
        async with asyncio.timeout(RETIRE_S):
            await shard.ask("PING")
    task.cancel()
