"""What the gateway asks of the application on top of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from websockets.http11 import Response

from chat.gateway.connection import Connection
from chat.gateway.handler import Handler


@dataclass(frozen=True, slots=True)
class Refusal:
    """An upgrade that is answered with a plain HTTP status instead."""

    status: int
    sentence: str
    reason: str  # label of the metric
    retry_after_s: int | None = None


class Headers(Protocol):
    """The header fields of a request."""

    def get_all(self, name: str, /) -> list[str]:
        """Return the values of a field, in order; empty if it is not there."""


class Request(Protocol):
    """An HTTP request, read by whichever parser."""

    @property
    def method(self) -> str:
        """GET, HEAD and so on."""

    @property
    def path(self) -> str:
        """Path and query, as sent."""

    @property
    def headers(self) -> Headers:
        """All header fields."""


class Application(Protocol):
    """What runs on top of the gateway."""

    def respond(self, request: Request, address: str) -> Response:
        """Answer a plain HTTP request."""

    def is_websocket(self, path: str) -> bool:
        """Whether an upgrade is possible at this path, query left out."""

    def admit(
        self, request: Request, address: str, decide: Callable[[object | Refusal], None]
    ) -> None:
        """Decide on an upgrade, now or later, by calling `decide` once.

        Whatever is not a `Refusal` is kept and given to `opened`.
        """

    def opened(self, connection: Connection, admission: object, address: str) -> Handler:
        """A connection is open; return who handles it."""
