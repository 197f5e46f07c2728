"""The pub/sub side: which channels this worker hears, proven and restored after every break.

A socket that looks healthy can be deaf for ever (Centrifugo #1189, python-socketio #1581), so the
worker sends itself a message through Redis and trusts only what comes back. After every
reconnection all channels are subscribed again and the owner is told, since anything may have been
missed in between.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from chat.broker.link import LinkError, RedisLink, open_link
from chat.broker.pacing import Pacing
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Channels per SUBSCRIBE command: a large resubscription must not block Redis in one piece.
BATCH = 512


class Subscriber:
    """Keeps one pub/sub connection and the set of channels on it.

    Args:
        on_message: called with (channel, payload) for each message, in order.
        on_restored: called when all channels are subscribed again after a (re)connection.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        name: str,
        *,
        on_message: Callable[[bytes, bytes], None],
        on_restored: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._name = name
        self._on_message = on_message
        self._on_restored = on_restored
        self._link: RedisLink | None = None
        self._wanted: dict[bytes, None] = {}  # in order of wish
        self._confirmed: set[bytes] = set()
        self._waiters: dict[bytes, list[asyncio.Future[None]]] = {}
        self._outgoing: list[bytes] = []  # wishes of this tick
        self._restoring = False
        self._to_restore: set[bytes] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def is_complete(self) -> bool:
        """Connected, with every wanted channel confirmed."""
        return self._link is not None and not self._restoring

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pacing = Pacing()
        while True:
            try:
                link = await open_link(
                    self._settings.redis_url,
                    timeout_s=self._settings.redis_connect_timeout,
                    on_push=self._on_push,
                    name=f"{self._name}-sub",
                )
            except (OSError, LinkError) as exc:
                log.warning("pubsub_connect_failed", extra={"error": str(exc)})
                await pacing.wait()
                continue
            pacing.reset()
            self._restore(link)
            try:
                why = await link.lost
            finally:
                self._link = None
                self._confirmed.clear()
                link.close()
            self._stats.redis_reconnects.add("pubsub")
            log.warning("pubsub_connection_lost", extra={"error": str(why)})

    async def subscribe(self, channel: str) -> None:
        """Hear a channel; returns when Redis has confirmed it.

        Cancellation: safe; the wish stays until `unsubscribe`.
        """
        key = channel.encode()
        self._wanted[key] = None
        if key in self._confirmed:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        waiters = self._waiters.setdefault(key, [])
        waiters.append(waiter)
        if len(waiters) == 1 and self._link is not None:
            self._enqueue(key)
        try:
            await waiter
        finally:
            if waiter in waiters:
                waiters.remove(waiter)
            if not waiters and self._waiters.get(key) is waiters:
                del self._waiters[key]

    def unsubscribe(self, channel: str) -> None:
        """Stop hearing a channel."""
        key = channel.encode()
        if self._wanted.pop(key, 0) is None and self._link is not None:
            self._confirmed.discard(key)
            self._flush()  # a wish of this tick must not overtake
            self._link.send("UNSUBSCRIBE", key)

    def reconnect(self) -> None:
        """Give up the present connection: it is deaf."""
        if self._link is not None:
            self._link.close(LinkError("deaf"))

    def _restore(self, link: RedisLink) -> None:
        self._link = link
        self._restoring = True
        self._to_restore = set(self._wanted)
        self._outgoing = list(self._wanted)
        self._flush()
        self._check_restored()

    def _enqueue(self, key: bytes) -> None:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(key)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._link is None:
            return
        for start in range(0, len(outgoing), BATCH):
            self._link.send("SUBSCRIBE", *outgoing[start : start + BATCH])

    def _on_push(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == b"message":
            self._on_message(push[1], push[2])
        elif kind == b"subscribe":
            key = push[1]
            if key in self._wanted:
                self._confirmed.add(key)
            self._to_restore.discard(key)
            for waiter in self._waiters.pop(key, ()):
                if not waiter.done():
                    waiter.set_result(None)
            self._check_restored()

    def _check_restored(self) -> None:
        if self._restoring and not self._to_restore:
            self._restoring = False
            self._on_restored()
