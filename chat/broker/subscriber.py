"""The pub/sub side: which channels this worker hears, proven and restored after every break.

A socket that looks healthy can be deaf for ever (Centrifugo #1189, python-socketio #1581), so the
worker sends itself a message through Redis and trusts only what comes back. After every
reconnection all channels are subscribed again and the owner is told, since anything may have been
missed in between.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from chat.broker.link import LinkError, RedisLink, open_link
from chat.broker.pacing import Pacing
from chat.broker.slots import read_redirection
from chat.broker.target import Access, Address
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)


class Words(NamedTuple):
    """How a kind of pub/sub is spoken.

    `batch` is the number of channels per command: a large resubscription must not block Redis in
    one piece, and sharded channels of one command have to be in one slot.
    """

    subscribe: str
    unsubscribe: str
    subscribed: bytes
    unsubscribed: bytes
    message: bytes
    batch: int


PLAIN = Words("SUBSCRIBE", "UNSUBSCRIBE", b"subscribe", b"unsubscribe", b"message", 512)
SHARDED = Words("SSUBSCRIBE", "SUNSUBSCRIBE", b"ssubscribe", b"sunsubscribe", b"smessage", 1)

#: Refusals after which the channel is elsewhere, or will be heard here a little later.
_ELSEWHERE = ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN")
NOT_RESTORED = "the pub/sub connection is not restored"
Waiters = list["asyncio.Future[None]"]


class Channels(Protocol):
    """What rooms and probes want of the pub/sub side."""

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether any server is heard in full."""

    async def subscribe(self, channel: str) -> None:
        """Hear a channel; returns when Redis has confirmed it."""

    def unsubscribe(self, channel: str) -> None:
        """Stop hearing a channel."""

    def reconnect(self, channel: str) -> None:
        """Give up the connection of a channel: it is deaf."""

    def follow(self, master: Address) -> None:
        """Commands go to this master now."""

    async def run(self) -> None:
        """Stay connected until cancelled."""


class Subscriber:
    """Keeps one pub/sub connection and the set of channels on it.

    Args:
        settings: timeouts.
        stats: counts reconnections.
        name: how the connection is called in Redis.
        words: plain or sharded pub/sub.
        access: user, password, TLS.
        locate: finds the server before every connection.
        on_message: called with (channel, payload) for each message, in order.
        on_restored: called with the channels that are subscribed again after a break.
        on_turned_away: called with a channel that this server does not serve (any more), and with
            the address of the one that does, if it was named.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        name: str,
        *,
        words: Words,
        access: Access,
        locate: Callable[[], Awaitable[Address]],
        on_message: Callable[[bytes, bytes], None],
        on_restored: Callable[[set[bytes]], None],
        on_turned_away: Callable[[bytes, Address | None], None] | None = None,
    ) -> None:
        self.address: Address | None = None
        self._settings = settings
        self._stats = stats
        self._name = name
        self._words = words
        self._message = words.message
        self._access = access
        self._locate = locate
        self._on_message = on_message
        self._on_restored = on_restored
        self._on_turned_away = on_turned_away
        self._link: RedisLink | None = None
        self._wanted: dict[bytes, None] = {}  # in order of wish
        self._confirmed: set[bytes] = set()
        self._waiters: dict[bytes, Waiters] = {}
        self._outgoing: list[bytes] = []  # wishes of this tick
        self._asked: deque[tuple[bool, bytes]] = deque()  # (subscribe or not, channel), no answer
        self._restoring = False
        self._to_restore: set[bytes] = set()
        self._restored: set[bytes] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def is_connected(self) -> bool:
        """There is a connection."""
        return self._link is not None

    @property
    def is_complete(self) -> bool:
        """Connected, with every wanted channel confirmed."""
        return self._link is not None and not self._restoring

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether all is heard."""
        return ([], True) if self.is_complete else ([NOT_RESTORED], False)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pacing = Pacing()
        while True:
            try:
                link = await self._open()
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

    async def _open(self) -> RedisLink:
        self.address = await self._locate()
        return await open_link(
            self.address,
            self._access,
            timeout_s=self._settings.redis_connect_timeout,
            on_push=self._on_push,
            on_refusal=self._on_refusal if self._on_turned_away else None,
            name=self._name,
        )

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
            self._asked.append((False, key))
            self._link.send(self._words.unsubscribe, key)

    def reconnect(self, channel: str = "") -> None:
        """Give up the present connection: it is deaf."""
        del channel  # there is one connection for all
        if self._link is not None:
            self._link.close(LinkError("deaf"))

    def follow(self, master: Address) -> None:
        """Leave a server that is no longer the master, although the connection seems to work."""
        if self._link is not None and self.address != master:
            self._link.close(LinkError(f"the master is now {master}"))

    # ------------------------------------------- channels that change the server

    def release(self, key: bytes) -> Waiters:
        """Forget a channel that this server no longer serves; return who waits for it."""
        self._wanted.pop(key, None)
        self._confirmed.discard(key)
        self._to_restore.discard(key)
        if key in self._outgoing:
            self._outgoing.remove(key)
        waiters = self._waiters.pop(key, [])
        self._check_restored()
        return waiters

    def adopt(self, key: bytes, waiters: Waiters) -> None:
        """Take a channel from another server; it counts as restored once it is subscribed."""
        self._wanted[key] = None
        if waiters:
            self._waiters.setdefault(key, []).extend(waiters)
        self._to_restore.add(key)
        if self._link is not None:
            self._enqueue(key)

    # -------------------------------------------------------------- on the link

    def _restore(self, link: RedisLink) -> None:
        self._link = link
        self._restoring = True
        self._asked.clear()
        self._to_restore = set(self._wanted)
        self._restored = set()
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
        batch = self._words.batch
        for start in range(0, len(outgoing), batch):
            self._link.send(self._words.subscribe, *outgoing[start : start + batch])
        self._asked.extend((True, key) for key in outgoing)

    def _on_push(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == self._message:
            self._on_message(push[1], push[2])
        elif kind == self._words.subscribed:
            self._asked.popleft()
            self._confirm(push[1])
        elif kind == self._words.unsubscribed:
            key = push[1]
            if self._asked and self._asked[0] == (False, key):
                self._asked.popleft()
            elif key in self._wanted:  # by itself: the slot has moved
                self._turn_away(key, None)

    def _confirm(self, key: bytes) -> None:
        if key in self._wanted:
            self._confirmed.add(key)
        if key in self._to_restore:
            self._to_restore.discard(key)
            self._restored.add(key)
        for waiter in self._waiters.pop(key, ()):
            if not waiter.done():
                waiter.set_result(None)
        self._check_restored()

    def _on_refusal(self, error: str) -> None:
        """Take the error that answers the oldest command without an answer."""
        subscribes, key = self._asked.popleft() if self._asked else (False, b"")
        if not error.startswith(_ELSEWHERE):
            self._close(LinkError(error))
        elif subscribes and key in self._wanted:
            redirection = read_redirection(error)
            self._turn_away(key, redirection.address if redirection else None)

    def _turn_away(self, key: bytes, address: Address | None) -> None:
        self._confirmed.discard(key)
        if self._on_turned_away is not None:
            self._on_turned_away(key, address)

    def _close(self, why: LinkError) -> None:
        if self._link is not None:
            self._link.close(why)

    def _check_restored(self) -> None:
        if self._to_restore or not (self._restoring or self._restored):
            return
        self._restoring = False
        restored, self._restored = self._restored, set()
        self._on_restored(restored)
