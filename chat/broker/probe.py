"""Proof that this worker hears what a shard publishes: a message to itself, again and again.

A publish that fails proves nothing about the subscription, so only probes that Redis accepted
count. When none of them comes back for `redis_probe_timeout` the worker is deaf: it says so in
its readiness and opens a new pub/sub connection.
"""

import asyncio
import logging

from chat.broker.link import LinkError, Reply
from chat.broker.pacing import Pacing
from chat.broker.store import Store
from chat.broker.subscriber import Channels
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1


class Probe:
    """Sends, listens, judges.

    Args:
        settings: how often, and how long a probe may take.
        stats: gets the round trip.
        store: sends.
        channels: hears.
        channel: on which this worker hears itself.
        tag: the hash tag of the channel.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        store: Store,
        channels: Channels,
        channel: str,
        tag: str,
    ) -> None:
        self.channel = channel
        self.is_deaf = True  # until the first probe has come back
        self._settings = settings
        self._stats = stats
        self._store = store
        self._channels = channels
        self._tag = tag
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._oldest_unheard_s: float | None = None  # when the oldest accepted probe was sent
        self._sent_s: dict[bytes, float] = {}

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            await self._subscribe()
            while True:
                self._send()
                pause_s = self._settings.redis_probe_interval
                # Until the first one has come back the worker is not ready: look again soon.
                await asyncio.sleep(min(pause_s, FIRST_PAUSE_S) if self.is_deaf else pause_s)
                self._judge()
        finally:
            self._channels.unsubscribe(self.channel)

    async def _subscribe(self) -> None:
        pacing = Pacing()
        while True:
            try:
                return await self._channels.subscribe(self.channel)
            except LinkError as exc:
                log.debug("probe_not_subscribed", extra={"error": str(exc)})
                await pacing.wait()

    def heard(self, payload: bytes) -> None:
        """A probe came back."""
        sent_s = self._sent_s.pop(payload, None)
        if sent_s is None:
            return
        self._sent_s.clear()  # earlier ones no longer matter: we hear
        self._oldest_unheard_s = None
        self._stats.probe_seconds = self._loop.time() - sent_s
        self.is_deaf = False

    def _send(self) -> None:
        self._number += 1
        payload = str(self._number).encode()
        sent_s = self._loop.time()

        def accepted(reply: Reply) -> None:
            unheard = not isinstance(reply, Exception) and payload in self._sent_s
            if unheard and self._oldest_unheard_s is None:
                self._oldest_unheard_s = sent_s

        try:
            shard = self._store.shard(self._tag)
            shard.call(accepted, self._store.scripts.publish, self.channel, payload)
        except LinkError as exc:
            log.debug("probe_not_sent", extra={"error": str(exc)})
            return
        if len(self._sent_s) > 64:  # replies fail to come: bounded, and the oldest time is kept
            self._sent_s.clear()
        self._sent_s[payload] = sent_s

    def _judge(self) -> None:
        oldest_s = self._oldest_unheard_s
        if oldest_s is None:
            return
        if self._loop.time() - oldest_s >= self._settings.redis_probe_timeout:
            self.is_deaf = True
            self._oldest_unheard_s = None
            self._sent_s.clear()
            log.warning("pubsub_deaf", extra={"channel": self.channel})
            self._channels.reconnect(self.channel)
