"""The outermost layer of the application: what holds for every request, whatever its route.

Cross-origin answers, the headers of the page, refusals that need no route, the last resort when
something raises, counting and logging. The query never gets into the log, as clients put into
queries what they should not.
"""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from chat.api.head import Head, head_of
from chat.api.operations import EVENT_STREAM, ROUTE
from chat.api.problems import HttpCode, Refusal, refusal, refusal_of
from chat.api.services import ApiServices
from chat.api.stats import NO_ROUTE
from chat.api.uploading import is_upload
from chat.broker.refusals import busy
from chat.gateway.address import client_address
from chat.gateway.http import SECURITY_HEADERS
from chat.protocol.errors import ErrorCode

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

API = "/api/"
#: Methods whose requests may carry a body.
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
MAX_LOGGED_PATH = 256
#: How long a browser may remember what a preflight said.
PREFLIGHT_MAX_AGE_S = 600
_SECURITY = [(name.lower().encode(), text.encode()) for name, text in SECURITY_HEADERS.items()]
_NO_STORE = (b"cache-control", b"no-store")
_CLOSE = (b"connection", b"close")
_EVENT_STREAM = (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode())


class Edge:
    """Wraps the routed application.

    Args:
        application: what answers.
        services: shared with it.
    """

    def __init__(self, application: Application, services: ApiServices) -> None:
        self._application = application
        self._services = services

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"there is no answer to {scope['type']}")
        answer = _Answer(scope, send, self._services)
        stats = self._services.stats
        stats.in_flight += 1
        try:
            await self._answered(answer, scope, receive)
        finally:
            stats.in_flight -= 1
            answer.count()

    async def _answered(self, answer: "_Answer", scope: Message, receive: Receive) -> None:
        early = self._refused(answer.head)
        if early is not None:
            await answer.refuse(early)
            return
        if answer.head.method == "OPTIONS" and answer.head.headers.get_all(
            "Access-Control-Request-Method"
        ):
            await answer.preflight()
            return
        try:
            await self._application(scope, answer.reading(receive), answer.send)
        except Exception:  # the root of a request: a bug must not leave the client waiting
            log.exception("request_failed", extra={"route": scope.get(ROUTE, NO_ROUTE)})
            if not answer.status:
                await answer.refuse(
                    refusal(ErrorCode.INTERNAL, "Something went wrong on our side.")
                )

    def _refused(self, head: Head) -> Refusal | None:
        """Refuse what no route would look at."""
        if self._services.connections > self._services.settings.api_max_connections:
            return refusal_of(busy())
        if not has_body(head):
            return None
        if head.method not in WITH_BODY:
            return refusal(HttpCode.BODY_REFUSED, f"{head.method[:16]} takes no body here.")
        if is_upload(head.method, head.path):
            return None  # it has a limit of its own
        most = self._services.settings.max_message_bytes
        if any(int(text) > most for text in head.headers.get_all("Content-Length")):
            return refusal(HttpCode.BODY_REFUSED, f"The body has more than {most} bytes.")
        return None


def has_body(head: Head) -> bool:
    """Whether a body comes behind this head; the server has checked that it is well-formed."""
    lengths = head.headers.get_all("Content-Length")
    return any(map(int, lengths)) or bool(head.headers.get_all("Transfer-Encoding"))


class _Answer:
    """The answer to one request on its way out."""

    def __init__(self, scope: Message, send: Send, services: ApiServices) -> None:
        self.head = head_of(scope)
        self.status = 0  # until it has begun
        self._began_s = time.perf_counter()
        self._stream_s: float | None = None  # when a stream began, which is when it is answered
        self._is_unread = has_body(self.head)
        self._scope = scope
        self._send = send
        self._services = services
        self._size = 0
        self._close = False

    def reading(self, receive: Receive) -> Receive:
        """Return a `receive` that notes whether the whole request has been read."""

        async def noting() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                self._is_unread = False
            return message

        return noting

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, its head with the fields that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if _EVENT_STREAM in message["headers"]:
                self._stream_s = time.perf_counter()
            message["headers"] = [*message["headers"], *self._common(message["headers"])]
        elif self.head.method != "HEAD":
            self._size += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, refused: Refusal) -> None:
        """Answer with a problem and hang up: the rest of the request stays unread."""
        self._close = True
        await self._whole(refused.status, refused.headers, refused.body)

    async def preflight(self) -> None:
        """Tell a browser whether a page from elsewhere may ask.

        Source: Fetch standard, CORS-preflight request.
        """
        if not self._is_shared:
            await self.refuse(refusal(ErrorCode.FORBIDDEN, "This origin is not allowed."))
            return
        headers = {
            "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": (
                "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
            ),
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
        }
        await self._whole(204, headers, b"")

    def count(self) -> None:
        """Count and log the request, answered or not."""
        seconds = time.perf_counter() - self._began_s
        scope, head = self._scope, self.head
        route = scope.get(ROUTE, NO_ROUTE)
        until_answered = seconds if self._stream_s is None else self._stream_s - self._began_s
        self._services.stats.answered(route, head.method, self.status, until_answered)
        log.info(
            "request",
            extra={
                "method": head.method[:16],
                "path": scope["raw_path"][:MAX_LOGGED_PATH].decode("latin-1"),  # no line ends
                "route": route,
                "status": self.status,
                "bytes": self._size,
                "ms": round(seconds * 1000, 2),
                "address": client_address(scope["client"], head, self._services.trusted_proxies),
            },
        )

    @property
    def _is_shared(self) -> bool:
        """Whether a page from elsewhere asks for the API, and may."""
        return (
            self.head.path.startswith(API)
            and bool(self.head.headers.get_all("Origin"))
            and self._services.origins.allows(self.head)
        )

    def _common(self, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in present}
        common = [field for field in _SECURITY if field[0] not in own]
        if not any(name == b"cache-control" for name, _ in present):
            common.append(_NO_STORE)
        if self.head.path.startswith(API):
            common.append((b"vary", b"Origin"))
        if self._is_shared:
            origin = self.head.headers.get_all("Origin")[0].encode("latin-1")
            common.append((b"access-control-allow-origin", origin))
            common.append((b"access-control-expose-headers", b"Retry-After"))
        if self._close or self._is_unread or self._services.draining:
            common.append(_CLOSE)
        return common

    async def _whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        fields = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        if status != 204:
            fields.append((b"content-length", str(len(body)).encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": fields})
        await self.send({"type": "http.response.body", "body": body})
