"""The ordinary opening handshake, read and answered without a parser: pure, no socket.

Nearly every client sends a plain upgrade that is whole in one read. What is one to the letter is
taken here, for a third of the cost; anything else, right or wrong, is left to `websockets`, which
parses, judges and words it. A test holds the two against each other.
"""

import re

from websockets.utils import accept_key

from chat.protocol.opening import SUBPROTOCOL

HEAD_END = b"\r\n\r\n"
#: A longer request is read by the library; its limits for lines and headers lie above this.
MAX_HEAD_BYTES = 4096
MAX_FIELDS = 64

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 section 5.6.2, no secret
_HEAD = re.compile(
    rb"GET (/[!-~]*) HTTP/1\.1\r\n((?:%b:[\t -~]*\r\n){1,%d})\r\n" % (_TOKEN.encode(), MAX_FIELDS)
)
_TOKENS = re.compile(rf"{_TOKEN}(?:, ?{_TOKEN})*")
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_ORDINARY_CONNECTION = frozenset({"upgrade", "keep-alive, upgrade"})
_OUT_OF_THE_ORDINARY = frozenset({"content-length", "transfer-encoding"})


class Fields:
    """The header fields of a request; names are matched without regard to case."""

    __slots__ = ("_values",)

    def __init__(self, lines: str) -> None:
        self._values: dict[str, list[str]] = {}
        for line in lines.split("\r\n"):
            name, _, value = line.partition(":")
            self._values.setdefault(name.lower(), []).append(value.strip(" \t"))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get_all(self, name: str, /) -> list[str]:
        """Return the values of a field, in order; empty if it is not there."""
        return self._values.get(name.lower(), [])

    def only(self, name: str) -> str:
        """Return the value of a field that must be there once, else an empty text."""
        values = self._values.get(name, [])
        return values[0] if len(values) == 1 else ""


class Upgrade:
    """A request to upgrade at `path` that is right in every particular (RFC 6455 section 4.2.1)."""

    __slots__ = ("_key", "_with_subprotocol", "head_bytes", "headers", "path")

    method = "GET"

    def __init__(self, path: str, headers: Fields, head_bytes: int, offered: list[str]) -> None:
        self.path = path
        self.headers = headers
        self.head_bytes = head_bytes  # what comes behind are frames
        self._key = headers.only("sec-websocket-key")
        self._with_subprotocol = SUBPROTOCOL in offered  # a client of the seed offers none

    def answer(self) -> bytes:
        """Return the response that accepts it (RFC 6455 section 4.2.2)."""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(self._key)}\r\n"
            + (
                f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
                if self._with_subprotocol
                else "\r\n"
            )
        ).encode()


def read_upgrade(data: bytes) -> Upgrade | None:
    """Return the upgrade that `data` begins with, or None where the library has to look.

    Cost: one pass of a regular expression and one dictionary entry per header field.
    """
    match = _HEAD.match(data)
    if match is None or match.end() > MAX_HEAD_BYTES:
        return None
    headers = Fields(match[2][:-2].decode("ascii"))
    if (
        headers.only("upgrade").lower() != "websocket"
        or headers.only("connection").lower() not in _ORDINARY_CONNECTION
        or headers.only("sec-websocket-version") != "13"
        or _KEY.fullmatch(headers.only("sec-websocket-key")) is None
        or len(headers.get_all("origin")) > 1
        or any(name in headers for name in _OUT_OF_THE_ORDINARY)
    ):
        return None
    offered: list[str] = []
    for value in headers.get_all("sec-websocket-protocol"):
        if _TOKENS.fullmatch(value) is None:
            return None
        offered += value.replace(" ", "").split(",")
    return Upgrade(match[1].decode("ascii"), headers, match.end(), offered)
