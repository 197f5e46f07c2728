"""From an accepted socket to a WebSocket connection, or to one plain HTTP response.

The library parses and answers the handshake; when it is done everything it needed is dropped and
the transport goes on with a `Connection`. A request has one deadline and a size limit.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chat.gateway import http
from chat.gateway.address import client_address
from chat.gateway.application import Refusal
from chat.gateway.connection import Connection

if TYPE_CHECKING:
    from chat.gateway.gateway import Gateway

SUBPROTOCOL = Subprotocol("chat.v1")


def _select_subprotocol(
    _protocol: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours if it is offered, none otherwise: a client of the seed offers none."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


class Handshake(asyncio.Protocol):
    """The first protocol of every accepted socket."""

    __slots__ = ("_began_s", "_gateway", "_http", "_received", "_request", "_transport", "address")

    def __init__(self, gateway: "Gateway") -> None:
        self.address = ""
        self._gateway = gateway
        self._http: ServerProtocol | None = None
        self._transport: asyncio.Transport | None = None
        self._received = 0
        self._request: Request | None = None
        self._began_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket in, or refuse it at once when too many are waiting."""
        transport = self._transport = cast("asyncio.Transport", transport)
        self._began_s = time.perf_counter()
        if not self._gateway.handshake_began(self):
            self._gateway.stats.connections_refused.add("pending")
            refusal = http.sentence(503, "Too many handshakes at once.", retry_after_s=1)
            transport.write(refusal.serialize())
            transport.close()
            return
        settings = self._gateway.settings
        self._http = ServerProtocol(
            subprotocols=[SUBPROTOCOL],
            select_subprotocol=_select_subprotocol,
            extensions=[ServerPerMessageDeflateFactory()] if settings.compression else None,
            max_size=settings.max_message_bytes,
        )

    def data_received(self, data: bytes) -> None:
        """Feed the request to the library until it is whole."""
        if self._http is None or self._transport is None:
            return
        self._received += len(data)
        if self._request is None and self._received > self._gateway.settings.max_header_bytes:
            self._gateway.stats.connections_refused.add("handshake")
            self._answer(http.sentence(431, "The request is too large."))
            return
        self._http.receive_data(data)
        for event in self._http.events_received():
            if isinstance(event, Request):
                self._transport.pause_reading()  # until it is decided who reads on
                self._route(event)
                return
        if self._http.handshake_exc is not None:
            self._gateway.stats.connections_refused.add("handshake")
            self._flush(self._http)

    def _route(self, request: Request) -> None:
        gateway = self._gateway
        self._request = request
        self.address = client_address(cast("asyncio.Transport", self._transport), request, gateway.trusted_proxies)
        path = urlsplit(request.path).path
        if not gateway.application.is_websocket(path):
            self._answer(gateway.application.respond(request, self.address))
            return
        refusal = gateway.refusal()
        if refusal is not None:
            self._decide(refusal)
            return
        gateway.application.admit(request, self.address, self._decide)

    def _decide(self, admission: object) -> None:
        if self._http is None or self._transport is None or self._request is None:
            return  # the client left while the decision was made
        if isinstance(admission, Refusal):
            self._gateway.stats.connections_refused.add(admission.reason)
            self._answer(
                http.sentence(
                    admission.status, admission.sentence, retry_after_s=admission.retry_after_s
                )
            )
            return
        sans_io = self._http
        response = sans_io.accept(self._request)
        sans_io.send_response(response)
        self._flush(sans_io)
        if response.status_code != 101:
            self._gateway.stats.connections_refused.add("handshake")
            return
        self._become_connection(sans_io, admission)

    def _become_connection(self, sans_io: ServerProtocol, admission: object) -> None:
        transport = cast("asyncio.Transport", self._transport)
        gateway = self._gateway
        self._http = self._request = self._transport = None
        connection = Connection(gateway, transport, sans_io.extensions)
        transport.set_protocol(connection)
        gateway.stats.handshake_seconds.observe(time.perf_counter() - self._began_s)
        gateway.upgraded(self, connection, admission)
        early = bytes(sans_io.reader.buffer)
        if early:
            connection.data_received(early)
        if not transport.is_closing():
            transport.resume_reading()

    def _answer(self, response: Response) -> None:
        """Send one response and close, politely, so that the client can read it."""
        if self._transport is None:
            return
        if self._request is not None and self._request.method == "HEAD":
            response.body = b""
        self._transport.write(response.serialize())
        self._transport.close()
        self._http = None

    def _flush(self, sans_io: ServerProtocol) -> None:
        transport = cast("asyncio.Transport", self._transport)
        for data in sans_io.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()

    def time_out(self) -> None:
        """The deadline passed before the client became a connection."""
        if self._transport is not None:
            self._transport.write(http.sentence(408, "The request took too long.").serialize())
            self._transport.close()
            self._http = None

    def abort(self) -> None:
        """Cut the socket."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket closed before it became a connection."""
        self._gateway.handshake_ended(self)
        self._http = self._request = self._transport = None
