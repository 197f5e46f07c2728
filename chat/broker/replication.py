"""Acknowledgements that wait until replicas have the message: WAIT, once for all that are due.

WAIT holds back its connection, and counts only what that connection wrote. So each shard gets a
second link: when messages have been stored over the first, one small write on the second comes
after all of them in the replication stream, and WAIT behind it asks how many replicas have got that
far. What is stored meanwhile is asked about together, with the next WAIT.

    commands   m1 m2 m3 │ m4 m5 m6 m7 │ ...
    second             SET WAIT        SET WAIT
    acks                       m1 m2 m3        m4 ... m7

A retry that Redis answers with `dup` writes nothing, and is confirmed all the same.

Source: Redis WAIT; it makes a loss by failover unlikely and does not rule it out (docs/redis.md).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from chat.broker.broker import Broker
from chat.broker.link import LinkError, RedisLink, answered, open_link
from chat.broker.outcomes import NotReplicated, Outcome, Published
from chat.broker.publication import Publication
from chat.broker.shard import Route, Shard, read_history_id
from chat.broker.slots import tag_within
from chat.broker.store import Store
from chat.ops.stats import Stats

log = logging.getLogger(__name__)

#: How long the mark of a worker outlives its last message.
MARK_TTL_MS = 60_000
#: More than the wait itself, for the way to Redis and back.
SPARE_S = 1.0


class _Due(NamedTuple):
    published: Published
    history_id: str
    stored_s: float
    done: Callable[[Outcome], None]

    def lack(self) -> None:
        self.done(NotReplicated(self.published))


class _Confirmer:
    """The second link of one shard."""

    def __init__(self, store: Store, stats: Stats, shard: Shard) -> None:
        self._due: list[_Due] = []
        self._asked: list[_Due] = []
        self._barriers: list[asyncio.Future[None]] = []
        self._store = store
        self._stats = stats
        self._shard = shard
        self._work = asyncio.Event()
        self._link: RedisLink | None = None
        self._history_id = ""
        self._loop = asyncio.get_running_loop()

    def confirm(self, due: _Due) -> None:
        """Call `done` when enough replicas have what the shard has stored so far, or too few."""
        if len(self._due) >= self._store.settings.redis_max_in_flight:
            due.lack()
            return
        self._due.append(due)
        self._work.set()

    async def barrier(self) -> None:
        """Wait until everything that is due now has its outcome."""
        if not self._due and not self._asked:
            return
        barrier: asyncio.Future[None] = self._loop.create_future()
        self._barriers.append(barrier)
        self._work.set()
        await barrier

    async def run(self) -> None:
        """Confirm until cancelled."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                self._asked, self._due = self._due, []
                barriers, self._barriers = self._barriers, []
                enough = bool(self._asked) and await self._ask()
                asked, self._asked = self._asked, []
                now_s = self._loop.time()
                for each in asked:
                    # The same server may have lost what it stored in a former life.
                    if enough and each.history_id == self._history_id:
                        self._stats.replication_seconds.observe(now_s - each.stored_s)
                        each.done(each.published)
                    else:
                        each.lack()
                for barrier in barriers:
                    if not barrier.done():
                        barrier.set_result(None)
        finally:
            self._hang_up()
            for each in [*self._asked, *self._due]:
                each.lack()

    async def _ask(self) -> bool:
        """Return whether enough replicas have everything that was stored up to now."""
        settings = self._store.settings
        try:
            async with asyncio.timeout(settings.redis_wait_timeout + SPARE_S):
                link = await self._connected()
                _, replicas = await asyncio.gather(
                    answered(lambda done: link.call(done, *self._mark())),
                    link.ask(
                        "WAIT",
                        settings.redis_wait_replicas,
                        int(settings.redis_wait_timeout * 1000),
                    ),
                )
        except (OSError, LinkError, TimeoutError) as exc:
            self._hang_up()
            log.warning(
                "not_confirmed",
                extra={"shard": str(self._shard), "messages": len(self._asked), "error": str(exc)},
            )
            return False
        return int(replicas) >= settings.redis_wait_replicas

    def _mark(self) -> tuple[str | int, ...]:
        tag = tag_within(self._shard.slots) if self._store.is_sharded else ""
        key = self._store.keys.mark(self._store.name, tag)
        return ("SET", key, 1, "PX", MARK_TTL_MS)

    async def _connected(self) -> RedisLink:
        """Return a link to the server that the shard is connected to now.

        Raises:
            OSError: no connection.
            LinkError: refused, or the server is a replica.
        """
        if self._history_id != self._shard.history_id or self._shard.address is None:
            self._hang_up()
        if self._link is not None and self._link.is_up:
            return self._link
        if self._shard.address is None:
            raise LinkError("the shard has never been up")
        link = await open_link(
            self._shard.address,
            self._store.target.access,
            timeout_s=self._store.settings.redis_connect_timeout,
            name=self._store.name,
        )
        self._link = link
        self._history_id = read_history_id(await link.ask("INFO", "replication"))
        return link

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class Replication:
    """Confirms over all shards.

    Args:
        store: the shards.
        stats: gets how long it takes.
    """

    def __init__(self, store: Store, stats: Stats) -> None:
        self._store = store
        self._stats = stats
        self._confirmers: dict[Shard, tuple[_Confirmer, asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._loop = asyncio.get_running_loop()

    def confirm(
        self,
        shard: Shard,
        history_id: str,
        published: Published,
        done: Callable[[Outcome], None],
    ) -> None:
        """Call `done` with `published` when it is replicated, with NotReplicated otherwise."""
        due = _Due(published, history_id, self._loop.time(), done)
        if self._group is None:
            due.lack()
            return
        if shard not in self._confirmers:
            self._start(shard, self._group)
        self._confirmers[shard][0].confirm(due)

    def _start(self, shard: Shard, group: asyncio.TaskGroup) -> None:
        for former in self._confirmers.keys() - set(self._store.routes.shards):
            self._confirmers.pop(former)[1].cancel()
        confirmer = _Confirmer(self._store, self._stats, shard)
        task = group.create_task(confirmer.run(), name=f"confirm-{shard}")
        self._confirmers[shard] = confirmer, task

    async def barrier(self) -> None:
        """Wait until everything that is due now has its outcome."""
        for confirmer, _ in list(self._confirmers.values()):
            await confirmer.barrier()

    async def run(self) -> None:
        """Confirm until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            await self._loop.create_future()


class _Confirm:
    """What becomes of a publication: an outcome on its way to `done`, by way of the replicas."""

    __slots__ = ("_history_id", "_replication", "_shard", "done")

    def __init__(
        self, replication: Replication, shard: Route, done: Callable[[Outcome], None]
    ) -> None:
        self.done = done
        self._replication = replication
        self._shard = shard
        self._history_id = shard.history_id

    def __call__(self, outcome: Outcome) -> None:
        if isinstance(outcome, Published) and isinstance(self._shard, Shard):
            self._replication.confirm(self._shard, self._history_id, outcome, self.done)
        else:
            self.done(outcome)


class ConfirmingBroker(Broker):
    """A broker whose `publish` succeeds when enough replicas have the message."""

    def __init__(self, store: Store, replication: Replication) -> None:
        super().__init__(store)
        self._replication = replication

    def _publish(
        self,
        publication: Publication,
        done: Callable[[Outcome], None],
        shard: Route,
        tries: int,
    ) -> None:
        confirm = _Confirm(self._replication, shard, done)
        super()._publish(publication, confirm, shard, tries)

    def _not_published(
        self,
        publication: Publication,
        done: Callable[[Outcome], None],
        error: LinkError,
        tries: int,
    ) -> None:
        # On another shard it is another one's to confirm.
        if isinstance(done, _Confirm):
            done = done.done
        super()._not_published(publication, done, error, tries)

    async def barrier(self) -> None:
        """Wait until everything published so far has its outcome.

        Raises:
            LinkError: a shard does not answer.
        """
        await super().barrier()
        await self._replication.barrier()
