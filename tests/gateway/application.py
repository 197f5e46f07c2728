"""An application that records what the gateway tells it and echoes on request."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from websockets.http11 import Response

from chat.gateway.application import Refusal, Request
from chat.gateway.connection import Connection
from chat.gateway.http import response, sentence
from chat.protocol.frames import text_frame

if TYPE_CHECKING:
    from chat.rooms.room import Room

FOREVER_S = 86400.0
PAGE = b"<p>hello</p>"


class Recorder:
    """The handler of one connection."""

    def __init__(self, connection: Connection, application: "RecordingApplication") -> None:
        self.connection = connection
        self.received: list[str | bytes] = []
        self.closes: list[int] = []
        self.room: Room | None = None  # one that it is a member of
        self._application = application

    def on_text(self, text: str) -> None:
        self.received.append(text)
        if self._application.on_text is not None:
            self._application.on_text(self, text)
        elif text.startswith("echo"):
            self.connection.send(text_frame(text.encode()))

    def on_binary(self, data: bytes) -> None:
        self.received.append(data)

    def on_visit(self, now_s: float) -> float:
        return FOREVER_S

    def on_direct(self, fd: int) -> None:
        if self.room is not None:
            self.room.set_direct_fd(self.connection, fd)

    def on_closed(self, code: int) -> None:
        self.closes.append(code)


class RecordingApplication:
    """Upgrades at /ws, serves a page elsewhere; what it does otherwise is set by the test."""

    def __init__(self) -> None:
        self.handlers: list[Recorder] = []
        self.addresses: list[str] = []
        self.authenticates = True
        self.page = PAGE
        self.on_text: Callable[[Recorder, str], None] | None = None
        self.decides_later = False
        self.decisions: list[Callable[[Any], None]] = []

    def respond(self, request: Request, address: str) -> Response:
        self.addresses.append(address)
        if request.method not in ("GET", "HEAD"):
            return sentence(405, "Only GET and HEAD.")
        return response(200, self.page, "text/html")

    def is_websocket(self, path: str) -> bool:
        return path == "/ws"

    def admit(
        self, request: Request, address: str, decide: Callable[[object | Refusal], None]
    ) -> None:
        self.addresses.append(address)
        if self.decides_later:
            self.decisions.append(decide)
        else:
            decide(None)

    def opened(self, connection: Connection, admission: object, address: str) -> Recorder:
        handler = Recorder(connection, self)
        self.handlers.append(handler)
        if self.authenticates:
            connection.authenticated("user")
        return handler
