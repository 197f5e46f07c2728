"""From an accepted socket to a WebSocket connection, or to one plain HTTP response.

An ordinary upgrade is read and answered by `upgrade.py`. Everything else the library parses and
answers; when it is done everything it needed is dropped. Either way the transport goes on with a
`Connection`. A request has one deadline and a size limit.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as LibraryRequest
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chat.gateway import http
from chat.gateway.address import client_address, is_trusted, peer_name
from chat.gateway.application import Refusal
from chat.gateway.connection import Connection
from chat.gateway.overload import refusal_bytes
from chat.gateway.proxy_header import ProxyHeaderError, read_proxy_header
from chat.gateway.relay import Relay
from chat.gateway.upgrade import HEAD_END, Upgrade, read_upgrade
from chat.protocol.opening import SUBPROTOCOL

if TYPE_CHECKING:
    from websockets.extensions import Extension

    from chat.gateway.gateway import Gateway

#: Is in every ordinary upgrade. Health checks and the page are answered under overload, too.
WEBSOCKET = b"websocket"


def _select_subprotocol(
    _protocol: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours if it is offered, none otherwise: a client of the seed offers none."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _worded(refusal: Refusal) -> Response:
    return http.sentence(refusal.status, refusal.sentence, retry_after_s=refusal.retry_after_s)


class Handshake(asyncio.Protocol):
    """The first protocol of every accepted socket."""

    __slots__ = (
        "_began_s",
        "_early",
        "_gateway",
        "_http",
        "_is_answered",
        "_preamble",
        "_proxied",
        "_received",
        "_request",
        "_tail",
        "_transport",
        "address",
    )

    def __init__(self, gateway: "Gateway") -> None:
        self.address = ""
        self._gateway = gateway
        self._http: ServerProtocol | None = None  # for what is out of the ordinary
        self._transport: asyncio.Transport | None = None
        self._is_answered = False  # nothing more is read or said
        self._preamble: bytes | None = None  # what has come of a proxy's header, if one is due
        self._proxied: tuple[str, int] | None = None  # whom the proxy speaks for
        self._received = 0
        self._tail = b""  # the last bytes so far, in which the end of the request may begin
        self._early = b""  # what came behind the request
        self._request: Upgrade | LibraryRequest | None = None
        self._began_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket in, or refuse it at once when too many are waiting."""
        transport = self._transport = cast("asyncio.Transport", transport)
        self._began_s = time.perf_counter()
        refusal = self._gateway.handshake_began(self)
        if refusal is not None:
            self._gateway.stats.connections_refused.add(refusal.reason)
            self._is_answered = True
            transport.write(_worded(refusal).serialize())
            transport.close()  # at once: a descriptor is what is short
        elif self._gateway.settings.proxy_protocol and is_trusted(
            peer_name(transport), self._gateway.trusted_proxies
        ):
            self._preamble = b""

    def data_received(self, data: bytes) -> None:
        """Take the request in, until it is whole."""
        if self._is_answered or self._request is not None or self._transport is None:
            return
        if self._preamble is not None:
            data = self._behind_preamble(self._preamble + data)
            if not data:
                return
        relay = self._gateway.relay
        if relay is not None and self._received == 0 and relay.takes(data):
            self._hand_over(relay, data)
            return
        if WEBSOCKET in data and self._gateway.is_overloaded:
            self._turn_away()
            return
        settings = self._gateway.settings
        if self._received == 0 and not settings.compression:  # which the library negotiates
            upgrade = read_upgrade(data)
            if upgrade is not None and upgrade.head_bytes <= settings.max_header_bytes:
                self._early = data[upgrade.head_bytes :]
                self._requested(upgrade)
                return
        data = self._cut(data)
        self._received += len(data)
        if self._received > settings.max_header_bytes:
            self._gateway.stats.connections_refused.add("handshake")
            self._answer(http.sentence(431, "The request is too large."))
            return
        self._feed(data)

    def _hand_over(self, relay: Relay, data: bytes) -> None:
        """Leave the socket to the HTTP side."""
        transport = cast("asyncio.Transport", self._transport)
        self._is_answered = True
        self._transport = None
        self._gateway.handshake_ended(self)
        relay.take(transport, data)

    def _turn_away(self) -> None:
        """Refuse before anything is parsed; what was sent has been read, so closing is no reset."""
        self._gateway.stats.connections_refused.add("overload")
        self._is_answered = True
        transport = cast("asyncio.Transport", self._transport)
        transport.write(refusal_bytes())
        transport.close()

    def _behind_preamble(self, data: bytes) -> bytes:
        """Take in a proxy's header; return what is behind it, nothing while it is not whole."""
        try:
            header = read_proxy_header(data)
        except ProxyHeaderError:
            self._gateway.stats.connections_refused.add("handshake")
            self._is_answered = True
            cast("asyncio.Transport", self._transport).abort()
            return b""
        if header is None:
            self._preamble = data
            return b""
        self._preamble = None
        self._proxied = header.peer
        return data[header.size :]

    def _cut(self, data: bytes) -> bytes:
        """Keep what is behind the request: the library would take it for frames at once."""
        seen = self._tail + data
        end = seen.find(HEAD_END)
        if end < 0:
            self._tail = seen[1 - len(HEAD_END) :]
            return data
        self._early = seen[end + len(HEAD_END) :]
        return seen[len(self._tail) : end + len(HEAD_END)]

    def _feed(self, data: bytes) -> None:
        """Let the library read what is out of the ordinary."""
        library = self._http = self._http or self._make_library()
        library.receive_data(data)
        for event in library.events_received():
            if isinstance(event, LibraryRequest):
                self._requested(event)
                return
        if library.handshake_exc is not None:
            self._gateway.stats.connections_refused.add("handshake")
            said = b"".join(library.data_to_send())
            self._end(said or http.sentence(400, "This is not a request we know.").serialize())

    def _make_library(self) -> ServerProtocol:
        settings = self._gateway.settings
        return ServerProtocol(
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            select_subprotocol=_select_subprotocol,
            extensions=[ServerPerMessageDeflateFactory()] if settings.compression else None,
            max_size=settings.max_message_bytes,
        )

    def _requested(self, request: Upgrade | LibraryRequest) -> None:
        gateway = self._gateway
        self._request = request
        transport = cast("asyncio.Transport", self._transport)
        transport.pause_reading()  # until it is decided who reads on
        peer = self._proxied or peer_name(transport)
        self.address = client_address(peer, request, gateway.trusted_proxies)
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
        request = self._request
        if self._is_answered or request is None:
            return  # the client left while the decision was made
        # The worker may have filled up, or begun to drain, meanwhile.
        refusal = admission if isinstance(admission, Refusal) else self._gateway.refusal()
        if refusal is not None:
            self._gateway.stats.connections_refused.add(refusal.reason)
            self._answer(_worded(refusal))
        elif isinstance(request, Upgrade):
            self._become_connection([], admission, request.answer())
        else:
            library = cast("ServerProtocol", self._http)
            response = library.accept(request)
            if response.status_code == 101:
                self._become_connection(library.extensions, admission, response.serialize())
                return
            self._gateway.stats.connections_refused.add("handshake")
            self._answer(response)

    def _become_connection(
        self, extensions: "list[Extension]", admission: object, head: bytes
    ) -> None:
        transport = cast("asyncio.Transport", self._transport)
        gateway = self._gateway
        self._is_answered = True
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
        self._is_answered = True
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
        if self._is_answered:
            self._transport.abort()  # answered, but the client does not read or does not close
            return
        self._is_answered = True
        self._gateway.stats.connections_refused.add("handshake")
        self._transport.write(http.sentence(408, "The request took too long.").serialize())
        self._transport.close()

    def abort(self) -> None:
        """Cut the socket."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket closed before it became a connection."""
        if not self._is_answered:
            self._gateway.stats.handshakes_failed += 1
        self._is_answered = True
        self._gateway.handshake_ended(self)
        self._http = self._request = self._transport = None
