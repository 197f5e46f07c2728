"""A probe for every shard: a worker may hear one and be deaf to another."""

import asyncio

from chat.broker.probe import Probe
from chat.broker.shard import Shard
from chat.broker.slots import slot_of_tag, tag_within
from chat.broker.store import Store
from chat.broker.subscriber import Channels
from chat.broker.topology import Topology
from chat.ops.stats import Stats
from chat.settings import Settings

DEAF = "deaf: nothing published to this worker has come back"


class Probes:
    """Starts a probe with a shard and ends it with the shard.

    Args:
        settings: how often, and how long a probe may take.
        stats: gets round trips and whether a shard is not heard.
        store: the shards.
        channels: the pub/sub side.
        worker_id: part of the channels, which are this worker's own.
    """

    def __init__(
        self, settings: Settings, stats: Stats, store: Store, channels: Channels, worker_id: str
    ) -> None:
        self.channels: dict[bytes, Probe] = {}
        self._settings = settings
        self._stats = stats
        self._store = store
        self._hearing = channels
        self._worker_id = worker_id
        self._probes: dict[Shard, tuple[str, Probe, asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether any shard is heard."""
        shards = self._store.routes.shards
        deaf = self._deaf()
        if len(deaf) == len(shards):
            return [DEAF], False
        return [f"{DEAF} from the shard {shard}" for shard in deaf], True

    def observe(self) -> None:
        """Bring the gauge up to date."""
        self._stats.pubsub_deaf = int(bool(self._deaf()))

    def _deaf(self) -> list[Shard]:
        return [
            shard
            for shard in self._store.routes.shards
            if shard not in self._probes or self._probes[shard][1].is_deaf
        ]

    def heard(self, channel: bytes, payload: bytes) -> None:
        """A probe came back on one of `channels`."""
        self.channels[channel].heard(payload)

    async def run(self) -> None:
        """Probe every shard until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            if isinstance(self._store.routes, Topology):
                self._store.routes.on_change.append(self._rearrange)
            self._rearrange()
            await asyncio.get_running_loop().create_future()  # until cancelled

    def _rearrange(self) -> None:
        if self._group is None:
            return
        shards = self._store.routes.shards
        for shard, (tag, probe, task) in list(self._probes.items()):
            if shard not in shards or (tag and slot_of_tag(tag) not in shard.slots):
                task.cancel()
                del self._probes[shard], self.channels[probe.channel.encode()]
        for shard in shards:
            if shard not in self._probes:
                self._start(shard, self._group)

    def _start(self, shard: Shard, group: asyncio.TaskGroup) -> None:
        tag = tag_within(shard.slots) if self._store.is_sharded else ""
        channel = self._store.keys.probe(self._worker_id, tag)
        probe = Probe(self._settings, self._stats, self._store, self._hearing, channel, tag)
        self.channels[channel.encode()] = probe
        self._probes[shard] = tag, probe, group.create_task(probe.run(), name=f"probe-{shard}")
