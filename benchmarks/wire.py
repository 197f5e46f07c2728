"""A client's side of the wire, from RFC 6455 and `docs/protocol.md` and not from our server.

Frames are masked with a key of zero: the server does the same work, and a client that sends the
same bytes again and again can build them once.
"""

import base64
import json
import struct
from typing import NamedTuple

from tests.support.tokens import token

_PING, _CLOSE, _TEXT = 0x9, 0x8, 0x1
_MASKED = 0x80
_ZERO_KEY = bytes(4)
_WEBSOCKET_KEY = base64.b64encode(bytes(range(16))).decode()

#: A place in a frame where `raw/load.c` writes the time.
STAMP = "T" + "0" * 19


class WireError(Exception):
    """The server sent what a client does not expect."""


class KeepAlive(NamedTuple):
    """The texts of a protocol that pings with messages of its own."""

    ping: bytes
    pong: bytes


def upgrade_request(port: int, user_id: str) -> bytes:
    """Return an opening handshake with a fresh token for this user."""
    protocols = f"chat.v1, chat.token.{token(user_id)}"
    return opening_handshake(port, "/ws", f"Sec-WebSocket-Protocol: {protocols}")


def opening_handshake(port: int, target: str, *headers: str) -> bytes:
    """Return the request that opens a WebSocket (RFC 6455 section 4.1)."""
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_WEBSOCKET_KEY}",
        "Sec-WebSocket-Version: 13",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode()


def command_frame(command: dict[str, object]) -> bytes:
    """Return a command as one masked text frame."""
    return text_frame(json.dumps(command, separators=(",", ":")).encode())


def text_frame(payload: bytes) -> bytes:
    """Return one masked text frame."""
    return _masked(_TEXT, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return _masked(0xA, payload)


def _masked(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, _MASKED | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, _MASKED | 126, size)
    else:
        raise WireError("benchmarks send no frames above 65,535 bytes")
    return head + _ZERO_KEY + payload


def frame_bytes(payload: bytes) -> int:
    """Return the size on the wire of a text frame from the server."""
    return len(payload) + (2 if len(payload) < 126 else 4 if len(payload) < 65536 else 10)


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
        while (end := _frame_end(data, at)) is not None:
            head, end_at = end
            opcode, payload = data[at] & 0x0F, data[at + head : end_at]
            if opcode == _TEXT:
                messages.append(payload)
            elif opcode == _PING:
                self.pings.append(payload)
            elif opcode == _CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise WireError(f"the server closed with {code} {payload[2:]!r}")
            else:
                raise WireError(f"the server sent a frame with opcode {opcode}")
            at = end_at
        self._rest = data[at:]
        return messages


def _frame_end(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the size of the head and the position after the frame, None if it is not whole."""
    left = len(data) - at
    if left < 2:
        return None
    size, head = data[at + 1], 2
    if size == 126 and left >= 4:
        (size,), head = struct.unpack_from("!H", data, at + 2), 4
    elif size == 127 and left >= 10:
        (size,), head = struct.unpack_from("!Q", data, at + 2), 10
    elif size >= 126:
        return None
    return (head, at + head + size) if left >= head + size else None
