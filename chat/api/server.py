"""uvicorn with the bounds it leaves to a proxy: slow heads, slow readers, signals.

h11 is chosen for its limit on the size of a request's head.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chat.api.edge import Edge
from chat.api.services import ApiServices

#: Times the limit of connections up to which a request is told so; beyond, connections are cut.
OVERFLOW = 2
#: Silence between two requests of a connection after which it is closed.
KEEP_ALIVE_S = 20


class BoundedProtocol(H11Protocol):
    """One connection, whose client gets only so long to send a head and to take an answer.

    Without this a client that sends a byte now and then holds its connection for ever.
    """

    timeout_s = 10.0
    services: ApiServices

    _head_deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self.services.connections = len(self.connections)
        if len(self.connections) > self.services.settings.api_max_connections * OVERFLOW:
            transport.abort()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; a head that has begun has to end in time."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect_head()
        else:
            self._head_deadline = _cancel(self._head_deadline)

    def pause_writing(self) -> None:
        """The client takes the answer more slowly than we write it."""
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(self.timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._write_deadline = _cancel(self._write_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._head_deadline = _cancel(self._head_deadline)
        self._write_deadline = _cancel(self._write_deadline)
        super().connection_lost(exc)
        self.services.connections = len(self.connections)

    def _expect_head(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(self.timeout_s, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer, if there is one; return what takes its place."""
    if timer is not None:
        timer.cancel()
    return None


class HttpServer(uvicorn.Server):
    """A server whose signals are somebody else's.

    Args:
        application: what answers.
        services: shared with it.
    """

    def __init__(self, application: Edge, services: ApiServices) -> None:
        settings = services.settings
        bounds: dict[str, Any] = {"timeout_s": settings.handshake_timeout, "services": services}
        super().__init__(
            uvicorn.Config(
                application,
                http=type("Connection", (BoundedProtocol,), bounds),
                ws="none",
                lifespan="off",
                interface="asgi3",
                loop="none",
                log_config=None,
                log_level="error",  # what clients do wrong is no news
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=settings.listen_backlog,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(settings.drain_timeout) or 1,
                h11_max_incomplete_event_size=settings.max_header_bytes,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def run_on(self, sock: socket.socket) -> None:
        """Serve a bound socket until `leave`, then until the requests in flight are answered."""
        await self.serve(sockets=[sock])

    def leave(self, *, at_once: bool = False) -> None:
        """Stop accepting and end when no request is in flight, or at once."""
        self.should_exit = True
        self.force_exit |= at_once
