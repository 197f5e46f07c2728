"""A client that speaks HTTP/3 only: one QUIC connection, one stream per request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection, Setting
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent

from tests.support.http import Response

TIMEOUT_S = 10.0


class Http3Client(QuicConnectionProtocol):
    """A connection whose TLS handshake has agreed on `h3`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._h3 = H3Connection(self._quic)
        self._arrived: dict[int, list[H3Event]] = {}
        self._done: dict[int, asyncio.Future[None]] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take in what has come; called by the library."""
        if isinstance(event, ConnectionTerminated):
            for done in self._done.values():
                if not done.done():
                    done.set_exception(ConnectionError(event.reason_phrase or "closed"))
        for one in self._h3.handle_event(event):
            if isinstance(one, HeadersReceived | DataReceived) and one.stream_id in self._done:
                self._arrived[one.stream_id].append(one)
                if one.stream_ended and not self._done[one.stream_id].done():
                    self._done[one.stream_id].set_result(None)

    @property
    def takes_websockets(self) -> bool:
        """Whether the server's settings offer the extended CONNECT of RFC 9220; after an answer."""
        return bool((self._h3.received_settings or {}).get(Setting.ENABLE_CONNECT_PROTOCOL))

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """Send one request and read the whole answer.

        Raises:
            ConnectionError: the server closes the connection instead.
        """
        stream = self._quic.get_next_available_stream_id()
        self._arrived[stream] = []
        self._done[stream] = asyncio.get_running_loop().create_future()
        fields = {
            ":method": method,
            ":scheme": "https",
            ":authority": "chat.test",
            ":path": path,
            **(headers or {}),
        }
        pairs = [(name.encode(), text.encode()) for name, text in fields.items()]
        self._h3.send_headers(stream, pairs, end_stream=not body)
        if body:
            self._h3.send_data(stream, body, end_stream=True)
        self.transmit()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._done[stream]
        finally:
            del self._done[stream]
        answered: dict[str, str] = {}
        content = b""
        for event in self._arrived.pop(stream):
            if isinstance(event, HeadersReceived):
                answered |= {name.decode(): text.decode() for name, text in event.headers}
            elif isinstance(event, DataReceived):
                content += event.data
        status = int(answered.pop(":status"))
        return Response(status, answered, content.decode(errors="replace"))


@asynccontextmanager
async def http3(port: int, authority: Path, host: str = "127.0.0.1") -> AsyncIterator[Http3Client]:
    """Connect to a UDP port of loopback, whose certificate an authority has signed.

    Raises:
        ConnectionError: nobody there speaks QUIC, or the connection was refused.
    """
    configuration = QuicConfiguration(
        alpn_protocols=H3_ALPN, cafile=str(authority), idle_timeout=TIMEOUT_S
    )
    async with connect(
        host, port, configuration=configuration, create_protocol=Http3Client
    ) as client:
        assert isinstance(client, Http3Client)
        yield client
