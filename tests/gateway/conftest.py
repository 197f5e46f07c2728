"""A gateway in this process, on uvloop as in a worker, with a recording application."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

from chat.gateway.gateway import Gateway
from chat.ops.stats import Stats
from chat.settings import Settings
from tests.gateway.application import Recorder, RecordingApplication
from tests.gateway.wire import RawClient
from tests.support.ports import listening_socket, port_of


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Workers run on uvloop."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Served:
    """A running gateway and what is known about it."""

    gateway: Gateway
    application: RecordingApplication
    port: int
    clients: list[RawClient] = field(default_factory=list)

    @property
    def stats(self) -> Stats:
        return self.gateway.stats

    async def connect(self, **options: Any) -> RawClient:
        """Open a TCP connection that is closed with the test."""
        client = await RawClient.connect(self.port, **options)
        self.clients.append(client)
        return client

    async def open(
        self, headers: bytes = b"", early: bytes = b"", **options: Any
    ) -> tuple[RawClient, Recorder]:
        """Open a WebSocket connection; return both ends."""
        client = await self.connect(**options)
        await client.upgrade(headers, early)
        return client, self.application.handlers[-1]


Serve = Callable[..., Coroutine[Any, Any, Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start gateways that end with the test: `served = await serve(ping_interval=1)`."""
    running: list[Served] = []

    async def start(*, send_buffer: int | None = None, **settings: Any) -> Served:
        sock = listening_socket()
        if send_buffer:  # accepted sockets inherit it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        application = RecordingApplication()
        # A machine that is busy with other tests is no overload unless a test is about that.
        gateway = Gateway(Settings(**{"overload_lag": 0, **settings}), Stats(), application)
        served = Served(gateway, application, port_of(sock))
        running.append(served)
        await gateway.start([sock])
        return served

    yield start
    for served in running:
        for client in served.clients:
            client.close()
        await served.gateway.stop()
