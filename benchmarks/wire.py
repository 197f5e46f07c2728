"""What the benchmarks add to `loadtest.wire`: tokens of the tests, JSON, a reader that buffers."""

import base64
import json
from typing import NamedTuple

from loadtest.wire import CLOSE, PING, TEXT, Upgrade, WireError, close_code, frame_span, text_frame
from tests.support.tokens import token

_WEBSOCKET_KEY = base64.b64encode(bytes(range(16))).decode()

#: A place in a frame where `raw/load.c` writes the time.
STAMP = "T" + "0" * 19


class KeepAlive(NamedTuple):
    """The texts of a protocol that pings with messages of its own."""

    ping: bytes
    pong: bytes


def opening_handshake(port: int, target: str) -> bytes:
    """Return a request that opens a WebSocket and says nothing else (RFC 6455 section 4.1)."""
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_WEBSOCKET_KEY}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*lines, "", "")).encode()


def upgrade_request(port: int, user_id: str, target: str = "/ws") -> bytes:
    """Return an opening handshake with a fresh token for this user."""
    return Upgrade(f"127.0.0.1:{port}", target).request(token(user_id).encode())


def command_frame(command: dict[str, object]) -> bytes:
    """Return a command as one masked text frame."""
    return text_frame(json.dumps(command, separators=(",", ":")).encode())


class FrameReader:
    """Cuts what a server sends into text messages; pings are kept apart, a close is an error."""

    __slots__ = ("_rest", "pings")

    def __init__(self) -> None:
        self._rest = b""
        self.pings: list[bytes] = []

    @property
    def between_frames(self) -> bool:
        """Whether everything received so far was whole frames."""
        return not self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in, return the text messages that they complete."""
        data = self._rest + data if self._rest else data
        messages, at = [], 0
        while (span := frame_span(data, at)) is not None:
            start, end = span
            opcode, payload = data[at] & 0x0F, data[start:end]
            if opcode == TEXT:
                messages.append(payload)
            elif opcode == PING:
                self.pings.append(payload)
            elif opcode == CLOSE:
                raise WireError(f"the server closed with {close_code(payload)} {payload[2:]!r}")
            else:
                raise WireError(f"the server sent a frame with opcode {opcode}")
            at = end
        self._rest = data[at:]
        return messages
