"""All connections of one worker: admission, liveness, deadlines.

One tick a second drives every deadline of every connection. Handshakes, connections that have
not authenticated and closing connections are few, and all of them are looked at; open connections
sit on a timer wheel.
"""

import asyncio
import random
import resource
import socket
import time
from collections.abc import Sequence
from typing import TypeVar

from chat.gateway.address import trusted_networks
from chat.gateway.application import Application, Refusal
from chat.gateway.connection import Connection
from chat.gateway.handshake import Handshake
from chat.gateway.overload import BEAT_S, OVERLOADED, Overload, retry_after_s
from chat.gateway.relay import Relay
from chat.gateway.wheel import Wheel
from chat.ops.stats import Stats
from chat.protocol.errors import CloseCode
from chat.settings import Settings

K = TypeVar("K")
TICK_S = 1.0
#: Descriptors kept back for Redis, logs, listening sockets and, half of them, for refusals.
RESERVED_DESCRIPTORS = 400
#: Assumed where the system says "unlimited" and means something smaller.
MANY_DESCRIPTORS = 65536
#: A client may close with any of 2000 codes; only these are told apart in the metrics.
COUNTED_CLOSES = frozenset({*CloseCode, 1001, 1005, 1006})

FULL = Refusal(503, "This worker is full.", "full", retry_after_s=5)


class Gateway:
    """Accepts, counts, watches and closes the connections of one worker."""

    def __init__(self, settings: Settings, stats: Stats, application: Application) -> None:
        self.settings = settings
        self.stats = stats
        self.application = application
        self.max_bytes = settings.max_message_bytes
        self.trusted_proxies = trusted_networks(settings)
        limit = raise_descriptor_limit()
        reserved = min(RESERVED_DESCRIPTORS, limit // 2)
        fits = limit - reserved
        self.max_connections = min(fits, settings.max_connections or fits)
        self._max_sockets = fits + reserved // 2  # so that a full worker can still say so
        #: Where requests for the HTTP side go; None where they do not come here.
        self.relay = Relay(settings.local_api_port) if settings.local_api_port else None
        self.draining = False
        self.tick = 1  # counts up; 0 means never
        self.connections: dict[Connection, None] = {}  # as a set it takes three times the memory
        self._handshakes: dict[Handshake, float] = {}  # with their deadlines, like the next two
        self._unauthenticated: dict[Connection, float] = {}
        self._closing: dict[Connection, float] = {}
        self._wheel: Wheel[Connection] = Wheel()
        self._overload = Overload(settings.overload_lag)
        self._heart: asyncio.TimerHandle | None = None  # that of the above
        self._empty = asyncio.Event()  # no connection is left
        self._empty.set()
        self._random = random.Random()  # noqa: S311 - jitter is no secret
        self._servers: list[asyncio.Server] = []
        self._ticker: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def is_accepting(self) -> bool:
        """Whether new connections are taken from the listening sockets."""
        return bool(self._servers)

    # -------------------------------------------------------------- lifecycle

    async def start(self, listen_sockets: Sequence[socket.socket]) -> None:
        """Start accepting on bound sockets, TCP or Unix."""
        for sock in listen_sockets:
            server = await self._loop.create_server(
                lambda: Handshake(self), sock=sock, backlog=self.settings.listen_backlog
            )
            self._servers.append(server)
        self._ticker = asyncio.create_task(self._run_ticks(), name="gateway-tick")
        self._beat()

    def stop_accepting(self) -> None:
        """Close this process's copies of the listening sockets; open connections live on."""
        self.draining = True
        while self._servers:
            self._servers.pop().close()

    async def wait_empty(self, timeout_s: float) -> bool:
        """Wait until no connection is left; false if some are after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Cut whatever is still there."""
        self.stop_accepting()
        for handshake in list(self._handshakes):
            handshake.abort()
        for connection in list(self.connections):
            connection.abort()
        if self.relay is not None:
            await self.relay.stop()
        await self._empty.wait()
        if self._heart is not None:
            self._heart.cancel()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)

    # -------------------------------------------------------------- admission

    def handshake_began(self, handshake: Handshake) -> Refusal | None:
        """Count a new socket in, or say why it must go at once."""
        pending = len(self._handshakes) + len(self._unauthenticated)
        if pending >= self.settings.max_pending_connections:
            return Refusal(503, "Too many handshakes at once.", "pending", retry_after_s=1)
        if len(self.connections) + len(self._handshakes) >= self._max_sockets:
            return FULL
        self._handshakes[handshake] = self._loop.time() + self.settings.handshake_timeout
        self._count_pending()
        return None

    @property
    def is_overloaded(self) -> bool:
        """The event loop is late: what is being served comes before what wants in."""
        return self._overload.holds(time.monotonic())

    def handshake_ended(self, handshake: Handshake) -> None:
        """The socket closed without becoming a connection."""
        self._handshakes.pop(handshake, None)
        self._count_pending()

    def refusal(self) -> Refusal | None:
        """Say why no further connection can be taken, if so."""
        if self.draining:
            return Refusal(503, "This worker is draining.", "draining", retry_after_s=1)
        if len(self.connections) >= self.max_connections:
            return FULL
        if self.is_overloaded:
            return Refusal(503, OVERLOADED, "overload", retry_after_s=retry_after_s())
        return None

    def upgraded(self, handshake: Handshake, connection: Connection, admission: object) -> None:
        """The handshake is answered with 101: from here on it is a connection."""
        self._unauthenticated[connection] = self._handshakes.pop(handshake)
        self._count_pending()
        self.connections[connection] = None
        self._empty.clear()
        self.stats.connections = len(self.connections)
        self.stats.connections_opened += 1
        connection.transport.set_write_buffer_limits(high=0)  # to be told of any unsent byte
        self._wheel.place(connection, self.ticks(self.jittered(self.settings.ping_interval)))
        connection.handler = self.application.opened(connection, admission, handshake.address)

    def authenticated(self, connection: Connection) -> None:
        """The connection has proven who it is: no deadline any more."""
        self._unauthenticated.pop(connection, None)
        self._count_pending()
        wait_s = self.jittered(self.settings.ping_interval)
        if connection.handler is not None:
            wait_s = min(wait_s, connection.handler.on_visit(self._loop.time()))
        if connection.is_open:
            self.revisit(connection, wait_s)

    def _count_pending(self) -> None:
        self.stats.pending_connections = len(self._handshakes) + len(self._unauthenticated)

    # --------------------------------------------------------------- watching

    def jittered(self, seconds: float) -> float:
        """Return between three quarters of `seconds` and all of it."""
        return seconds * (0.75 + self._random.random() / 4)

    @staticmethod
    def ticks(seconds: float) -> int:
        """Convert to ticks of the wheel, at least one."""
        return max(1, round(seconds / TICK_S))

    @staticmethod
    def seconds(ticks: int) -> float:
        """Convert from ticks of the wheel."""
        return ticks * TICK_S

    def revisit(self, connection: Connection, wait_s: float) -> None:
        """Have the wheel come by in `wait_s` seconds, or earlier."""
        self._wheel.place(connection, self.ticks(wait_s))

    def closing(self, connection: Connection) -> None:
        """A close frame was sent or received: the rest may take `close_timeout`."""
        self._wheel.remove(connection)
        self._closing[connection] = self._loop.time() + self.settings.close_timeout

    def closed(self, connection: Connection, code: int) -> None:
        """The transport is gone."""
        self._wheel.remove(connection)
        self._unauthenticated.pop(connection, None)
        self._closing.pop(connection, None)
        self.connections.pop(connection, None)
        if not self.connections:
            self._empty.set()
        self.stats.connections = len(self.connections)
        self._count_pending()
        self.stats.connections_closed += 1
        self.stats.closes.add(code if code in COUNTED_CLOSES else "other")

    def _beat(self) -> None:
        self._overload.beat(time.monotonic())
        self._heart = self._loop.call_later(BEAT_S, self._beat)

    async def _run_ticks(self) -> None:
        due_s = self._loop.time()
        stood_still = False
        while True:
            due_s += TICK_S
            await asyncio.sleep(due_s - self._loop.time())
            now_s = self._loop.time()
            late_s = now_s - due_s
            self.stats.loop_lag_seconds.observe(late_s)
            stood_still = late_s > TICK_S and not stood_still
            if stood_still:
                due_s = now_s  # judge no client before what it sent meanwhile is read
                continue
            self.tick += 1
            for connection in self._wheel.turn():
                self._loop.call_soon(connection.visit, now_s)  # one that fails hurts no other
            self._expire(now_s)

    def _expire(self, now_s: float) -> None:
        for handshake in _take_due(self._handshakes, now_s):
            handshake.time_out()
        for connection in _take_due(self._unauthenticated, now_s):
            connection.close(CloseCode.AUTH_TIMEOUT)
        for connection in _take_due(self._closing, now_s):
            connection.abort()
        self._count_pending()


def _take_due(deadlines: dict[K, float], now_s: float) -> list[K]:
    due = [item for item, deadline_s in deadlines.items() if deadline_s <= now_s]
    for item in due:
        del deadlines[item]
    return due


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as it may; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft  # macOS: the hard limit is said to be none, and is
    return wanted
