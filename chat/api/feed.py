"""What this process hears of rooms: one subscription for each that somebody reads, as on a worker.

The hub, its gap check and the probe that proves that it hears are a worker's own; what a worker
has and this has not is presence: who reads a stream is no member.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chat.broker.broker import Broker
from chat.broker.probes import Probes
from chat.broker.shard import Shard
from chat.broker.store import Store
from chat.broker.subscriptions import open_channels
from chat.ops.stats import Stats
from chat.rooms.hub import Hub


class Feed:
    """The pub/sub side of the HTTP side.

    Args:
        store: the Redis connection.
        stats: counts what comes and goes.
        broker: reads history.
        api_id: unique among processes.
    """

    def __init__(self, store: Store, stats: Stats, broker: Broker, api_id: str) -> None:
        self.channels = open_channels(
            store, stats, on_message=self._on_message, on_restored=self._on_restored
        )
        self._probes = Probes(store.settings, stats, store, self.channels, api_id)
        self.hub = Hub(store.settings, stats, broker, self.channels)
        #: What is told to all processes, whatever rooms they have; set by who wants to hear it.
        self.on_control: Callable[[bytes], None] = _ignore
        self._control = store.keys.control.encode()
        self._member_count_interval_s = store.settings.member_count_interval

    @property
    def is_complete(self) -> bool:
        """Whether all servers are heard."""
        return not self.channels.problems()[0]

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what has to run as long as the process does."""
        return [self.channels.run(), self._probes.run(), self._tell_member_counts()]

    def on_tick(self) -> None:
        """Once a second: leave rooms without readers, look at quiet ones."""
        self._probes.observe()
        self.hub.on_tick()

    def on_redis_up(self, shard: Shard) -> None:
        """Anything may have been missed in the rooms of a shard."""
        if shard.address is not None:
            self.channels.follow(shard.address)
        self.hub.gaps.resync(self.hub.rooms_in(shard.slots))

    async def _tell_member_counts(self) -> None:
        while True:
            await asyncio.sleep(self._member_count_interval_s)
            self.hub.announcements.tell_member_counts()

    def _on_message(self, channel: bytes, payload: bytes) -> None:
        if channel in self._probes.channels:
            self._probes.heard(channel, payload)
        elif channel == self._control:
            self.on_control(payload)
        else:
            self.hub.on_message(channel, payload)

    def _on_restored(self, channels: set[bytes]) -> None:
        self.hub.gaps.resync(self.hub.rooms_on(channels))


def _ignore(_payload: bytes) -> None:
    """Nobody wants to hear it."""
