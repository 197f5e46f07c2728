"""From an accepted socket to a WebSocket connection, or to one plain HTTP response.

The library parses and answers the handshake; when it is done everything it needed is dropped and
the transport goes on with a `Connection`. A request has one deadline and a size limit.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chat.gateway import http
from chat.gateway.address import client_address
from chat.gateway.application import Refusal
from chat.gateway.connection import Connection

if TYPE_CHECKING:
    from websockets.extensions import Extension

    from chat.gateway.gateway import Gateway

SUBPROTOCOL = Subprotocol("chat.v1")
HEAD_END = b"\r\n\r\n"


def _select_subprotocol(
    _protocol: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours if it is offered, none otherwise: a client of the seed offers none."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _worded(refusal: Refusal) -> Response:
    return http.sentence(refusal.status, refusal.sentence, retry_after_s=refusal.retry_after_s)


class Handshake(asyncio.Protocol):
    """The first protocol of every accepted socket."""

    __slots__ = (
        "_began_s",
        "_early",
        "_gateway",
        "_http",
        "_received",
        "_request",
        "_tail",
        "_transport",
        "address",
    )

    def __init__(self, gateway: "Gateway") -> None:
        self.address = ""
        self._gateway = gateway
        self._http: ServerProtocol | None = None  # until the request is answered
        self._transport: asyncio.Transport | None = None
        self._received = 0
        self._tail = b""  # the last bytes so far, in which the end of the request may begin
        self._early = b""  # what came behind the request
        self._request: Request | None = None
        self._began_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket in, or refuse it at once when too many are waiting."""
        transport = self._transport = cast("asyncio.Transport", transport)
        self._began_s = time.perf_counter()
        refusal = self._gateway.handshake_began(self)
        if refusal is not None:
            self._gateway.stats.connections_refused.add(refusal.reason)
            transport.write(_worded(refusal).serialize())
            transport.close()  # at once: a descriptor is what is short
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
        data = self._cut(data)
        self._received += len(data)
        if self._received > self._gateway.settings.max_header_bytes:
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
            said = b"".join(self._http.data_to_send())
            self._end(said or http.sentence(400, "This is not a request we know.").serialize())

    def _cut(self, data: bytes) -> bytes:
        """Keep what is behind the request: the library would take it for frames at once."""
        seen = self._tail + data
        end = seen.find(HEAD_END)
        if end < 0:
            self._tail = seen[1 - len(HEAD_END) :]
            return data
        self._early = seen[end + len(HEAD_END) :]
        return seen[len(self._tail) : end + len(HEAD_END)]

    def _route(self, request: Request) -> None:
        gateway = self._gateway
        self._request = request
        transport = cast("asyncio.Transport", self._transport)
        self.address = client_address(transport, request, gateway.trusted_proxies)
        path = request.path.partition("?")[0]
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
        # The worker may have filled up, or begun to drain, meanwhile.
        refusal = admission if isinstance(admission, Refusal) else self._gateway.refusal()
        if refusal is not None:
            self._gateway.stats.connections_refused.add(refusal.reason)
            self._answer(_worded(refusal))
            return
        response = self._http.accept(self._request)
        if response.status_code != 101:
            self._gateway.stats.connections_refused.add("handshake")
            self._answer(response)
            return
        self._become_connection(self._http.extensions, admission, response.serialize())

    def _become_connection(
        self, extensions: "list[Extension]", admission: object, head: bytes
    ) -> None:
        transport = cast("asyncio.Transport", self._transport)
        gateway = self._gateway
        self._http = self._request = self._transport = None
        connection = Connection(gateway, transport, extensions, head)
        transport.set_protocol(connection)
        gateway.stats.handshake_seconds.observe(time.perf_counter() - self._began_s)
        gateway.upgraded(self, connection, admission)
        connection.flush_head()
        if not transport.is_closing():
            transport.resume_reading()
        if self._early:
            connection.data_received(self._early)

    def _answer(self, response: Response) -> None:
        if self._request is not None and self._request.method == "HEAD":
            response.body = b""
        self._end(response.serialize())

    def _end(self, data: bytes) -> None:
        """Send the last bytes and close our half only; the client closes its, or is timed out.

        Closing a socket that has unread bytes resets it, and a reset can overtake the answer.
        """
        self._http = None
        transport = cast("asyncio.Transport", self._transport)
        if transport.is_closing():
            return
        transport.write(data)
        transport.write_eof()
        transport.resume_reading()

    def time_out(self) -> None:
        """The deadline passed before the client became a connection."""
        if self._transport is None:
            return
        if self._http is None:
            self._transport.abort()  # answered, but the client does not read or does not close
            return
        self._http = None
        self._gateway.stats.connections_refused.add("handshake")
        self._transport.write(http.sentence(408, "The request took too long.").serialize())
        self._transport.close()

    def abort(self) -> None:
        """Cut the socket."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket closed before it became a connection."""
        if self._http is not None:
            self._gateway.stats.handshakes_failed += 1
        self._gateway.handshake_ended(self)
        self._http = self._request = self._transport = None
