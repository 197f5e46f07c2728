"""The operations port: /healthz, /readyz and /metrics over plain HTTP, one answer a connection.

Parsing is `websockets`' own HTTP parser, as on the public port. Everything is bounded: the
request's size, the time for all of it, the number of connections.
"""

import asyncio
import dataclasses
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

import orjson
from msgspec import Struct
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from chat.gateway.http import response, sentence

MAX_CONNECTIONS = 64
_log = logging.getLogger("chat.ops")


class Readiness(Struct, frozen=True, kw_only=True):
    """The answer of /readyz.

    Args:
        ready: 200 or 503.
        reasons: what is wrong, also when it is not wrong enough for a 503.
        workers: one entry per worker.
    """

    ready: bool
    reasons: list[str]
    workers: list[dict[str, Any]]


class OpsServer:
    """Answers on the operations port.

    Args:
        readiness: asked at each /readyz.
        metrics: asked at each /metrics; returns content type and body.
        max_request_bytes: beyond it the request is refused.
        timeout_s: from accept to the last byte of the answer.
    """

    def __init__(
        self,
        *,
        readiness: Callable[[], Readiness],
        metrics: Callable[[], tuple[str, bytes]],
        max_request_bytes: int = 16384,
        timeout_s: float = 10.0,
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self.max_request_bytes = max_request_bytes
        self.timeout_s = timeout_s
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        """Start answering on a bound socket, which is ours from here on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=sock)

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # the loop calls connection_lost now

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.method not in {"GET", "HEAD"}:
            refused = sentence(405, "Only GET and HEAD.")
            refused.headers["Allow"] = "GET, HEAD"
            return refused
        answer = self._route(request.path.partition("?")[0])
        return dataclasses.replace(answer, body=b"") if request.method == "HEAD" else answer

    def _route(self, path: str) -> Response:
        if path == "/healthz":
            return sentence(200, "ok")
        if path == "/readyz":
            readiness = self._readiness()
            body = orjson.dumps(
                {
                    "ready": readiness.ready,
                    "reasons": readiness.reasons,
                    "workers": readiness.workers,
                }
            )
            return response(200 if readiness.ready else 503, body, "application/json")
        if path == "/metrics":
            content_type, body = self._metrics()
            return response(200, body, content_type)
        return sentence(404, "There is /healthz, /readyz and /metrics.")


class _Connection(asyncio.Protocol):
    """One request and its answer."""

    _transport: asyncio.Transport
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, server: OpsServer) -> None:
        self._server = server
        self._parser = ServerProtocol()
        self._received_bytes = 0
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._server.connections) >= MAX_CONNECTIONS:
            _log.warning("operations port: more than %d connections", MAX_CONNECTIONS)
            self._transport.abort()
            return
        self._server.connections.add(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._server.timeout_s, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._answered:
            return
        self._received_bytes += len(data)
        if self._received_bytes > self._server.max_request_bytes:
            self._finish(sentence(431, "The request is too big."))
            return
        self._parser.receive_data(data)
        for event in self._parser.events_received():
            if isinstance(event, Request) and not self._answered:
                self._finish(self._server.answer(event))
        if self._parser.handshake_exc is not None and not self._answered:
            self._finish(sentence(400, "That is not an HTTP request this port understands."))

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def _finish(self, answer: Response) -> None:
        self._answered = True
        self._transport.write(answer.serialize())
        self._transport.close()
