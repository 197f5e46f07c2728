"""The pub/sub side in a Redis Cluster: one connection per master, each channel on that of its slot.

A slot that moves takes its channels along: the former master says `sunsubscribe` by itself, a new
one is found in the topology, and what was published in between is read from history.
"""

import asyncio
from collections.abc import Callable

from chat.broker.link import LinkDownError
from chat.broker.single import at
from chat.broker.slots import hash_tag, slot_of_tag
from chat.broker.store import Store
from chat.broker.subscriber import NOT_RESTORED, PLAIN, SHARDED, Channels, Subscriber
from chat.broker.target import Access, Address
from chat.broker.topology import Topology
from chat.ops.stats import Stats
from chat.settings import Settings


def open_channels(
    store: Store,
    stats: Stats,
    *,
    on_message: Callable[[bytes, bytes], None],
    on_restored: Callable[[set[bytes]], None],
) -> Channels:
    """Return the pub/sub side that belongs to the shards of a store."""
    routes, settings, access = store.routes, store.settings, store.target.access
    if isinstance(routes, Topology):
        return Subscriptions(
            settings,
            stats,
            store.name,
            routes,
            access,
            on_message=on_message,
            on_restored=on_restored,
        )
    return Subscriber(
        settings,
        stats,
        store.name,
        words=PLAIN,
        access=access,
        locate=routes.locate,
        on_message=on_message,
        on_restored=on_restored,
    )


class Subscriptions:
    """Channels over all shards.

    Args:
        settings: timeouts.
        stats: counts reconnections.
        name: how the connections are called in Redis.
        topology: which master serves which slot.
        access: user, password, TLS.
        on_message: called with (channel, payload) for each message, in order per channel.
        on_restored: called with channels that are subscribed again after a break or a move.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        name: str,
        topology: Topology,
        access: Access,
        *,
        on_message: Callable[[bytes, bytes], None],
        on_restored: Callable[[set[bytes]], None],
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._name = name
        self._topology = topology
        self._access = access
        self._on_message = on_message
        self._on_restored = on_restored
        self._feeds: dict[Address, Subscriber] = {}
        self._running: dict[Address, asyncio.Task[None]] = {}
        self._nowhere = self._make_feed(Address())  # never connected: channels of unserved slots
        self._home: dict[bytes, tuple[int, Subscriber]] = {}
        self._lost: set[bytes] = set()  # turned away where the map says they belong
        self._hint: Address | None = None
        self._turned = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether any shard is heard in full."""
        lacking = [feed for feed in self._feeds.values() if not feed.is_complete]
        if len(lacking) == len(self._feeds):
            return [NOT_RESTORED], False
        return [f"{NOT_RESTORED} to the shard {feed.address}" for feed in lacking], True

    async def subscribe(self, channel: str) -> None:
        """Hear a channel; returns when Redis has confirmed it.

        A client that joins many rooms must not wait for those of a shard that is away.

        Raises:
            LinkDownError: the master of its slot is away, or there is none.

        Cancellation: safe; the wish stays until `unsubscribe`.
        """
        key = channel.encode()
        if key not in self._home:
            slot = slot_of_tag(hash_tag(channel))
            self._home[key] = slot, self._feed(slot)
        _, feed = self._home[key]
        if not feed.is_connected:
            raise LinkDownError("the master of this slot is away")
        await feed.subscribe(channel)

    def unsubscribe(self, channel: str) -> None:
        """Stop hearing a channel."""
        key = channel.encode()
        self._lost.discard(key)
        _, feed = self._home.pop(key, (0, None))
        if feed is not None:
            feed.unsubscribe(channel)

    def reconnect(self, channel: str) -> None:
        """Give up the connection of a channel: it is deaf."""
        _, feed = self._home.get(channel.encode(), (0, None))
        if feed is not None:
            feed.reconnect()

    def follow(self, master: Address) -> None:
        """Do nothing: the topology tells."""

    async def run(self) -> None:
        """Stay connected to all masters until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._topology.on_change.insert(0, self._rearrange)
            self._rearrange()
            while True:
                await self._turned.wait()
                self._turned.clear()
                await self._topology.refreshed(self._hint)
                self._rearrange()

    # ------------------------------------------------------------ rearranging

    def _rearrange(self) -> None:
        """Bring every channel to the master of its slot."""
        if self._group is None:
            return
        masters = {shard.address for shard in self._topology.shards if shard.address}
        for address in masters - self._feeds.keys():
            feed = self._feeds[address] = self._make_feed(address)
            self._running[address] = self._group.create_task(feed.run(), name=f"feed-{address}")
        for key, (slot, former) in self._home.items():
            feed = self._feed(slot)
            if feed is not former or key in self._lost:
                self._home[key] = slot, feed
                feed.adopt(key, former.release(key))
        self._lost.clear()
        for address in self._feeds.keys() - masters:
            del self._feeds[address]
            self._running.pop(address).cancel()

    def _feed(self, slot: int) -> Subscriber:
        shard = self._topology.master(slot)
        if shard is None or shard.address is None:
            return self._nowhere
        return self._feeds.get(shard.address, self._nowhere)

    def _make_feed(self, address: Address) -> Subscriber:
        return Subscriber(
            self._settings,
            self._stats,
            self._name,
            words=SHARDED,
            access=self._access,
            locate=at(address),
            on_message=self._on_message,
            on_restored=self._on_restored,
            on_turned_away=self._on_turned_away,
        )

    def _on_turned_away(self, key: bytes, address: Address | None) -> None:
        self._lost.add(key)
        self._hint = address or self._hint
        self._turned.set()
