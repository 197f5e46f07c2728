"""Proof that this worker hears what Redis publishes: a message to itself, again and again.

A publish that fails proves nothing about the subscription, so only probes that Redis accepted
count. When none of them comes back for `redis_probe_timeout` the worker is deaf: it says so in
its readiness and opens a new pub/sub connection.
"""

import asyncio
import logging

from chat.broker.link import LinkError, Reply
from chat.broker.store import Store
from chat.broker.subscriber import Subscriber
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1


class Probe:
    """Sends, listens, judges."""

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        store: Store,
        subscriber: Subscriber,
        worker_id: str,
    ) -> None:
        self.channel = store.keys.probe(worker_id)
        self.is_deaf = True  # until the first probe has come back
        self._settings = settings
        self._stats = stats
        self._store = store
        self._subscriber = subscriber
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._oldest_unheard_s: float | None = None  # when the oldest accepted probe was sent
        self._sent_s: dict[bytes, float] = {}

    async def run(self) -> None:
        """Probe until cancelled."""
        await self._subscriber.subscribe(self.channel)
        while True:
            self._send()
            pause_s = self._settings.redis_probe_interval
            # Until the first one has come back the worker is not ready: look again soon.
            await asyncio.sleep(min(pause_s, FIRST_PAUSE_S) if self.is_deaf else pause_s)
            self._judge()

    def heard(self, payload: bytes) -> None:
        """A probe came back."""
        sent_s = self._sent_s.pop(payload, None)
        if sent_s is None:
            return
        self._sent_s.clear()  # earlier ones no longer matter: we hear
        self._oldest_unheard_s = None
        self._stats.probe_seconds = self._loop.time() - sent_s
        self._set_deaf(deaf=False)

    def _send(self) -> None:
        self._number += 1
        payload = str(self._number).encode()
        sent_s = self._loop.time()

        def accepted(reply: Reply) -> None:
            unheard = not isinstance(reply, Exception) and payload in self._sent_s
            if unheard and self._oldest_unheard_s is None:
                self._oldest_unheard_s = sent_s

        try:
            self._store.call(accepted, "PUBLISH", self.channel, payload)
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
            self._set_deaf(deaf=True)
            self._oldest_unheard_s = None
            self._sent_s.clear()
            log.warning("pubsub_deaf", extra={"channel": self.channel})
            self._subscriber.reconnect()

    def _set_deaf(self, *, deaf: bool) -> None:
        self.is_deaf = deaf
        self._stats.pubsub_deaf = int(deaf)
