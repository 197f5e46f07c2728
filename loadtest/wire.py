"""A client's side of the wire, from RFC 6455 and `docs/protocol.md` and not from our server.

Frames are masked with a key of zero: the server does the same work, and a client that sends the
same bytes again and again can build them once.
"""

import base64
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _MASKED = 0x80, 0x80
_ZERO_KEY = bytes(4)
_WEBSOCKET_KEY = base64.b64encode(bytes(range(16))).decode()
_FRAME_BYTES_MAX = 1 << 24
#: Codes that never travel in a close frame: it had none.
NO_STATUS, ABNORMAL = 1005, 1006


class WireError(Exception):
    """The server sent what a client does not expect."""


class Upgrade:
    """Opening handshakes for one address; only the token differs from client to client.

    Args:
        host: value of the Host header.
        path: path and query of the WebSocket.
    """

    def __init__(self, host: str, path: str) -> None:
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {_WEBSOCKET_KEY}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: chat.v1, chat.token.",
        )
        self._head = "\r\n".join(lines).encode()

    def request(self, token: bytes) -> bytes:
        """Return the handshake of the client that this token belongs to."""
        return b"%b%b\r\n\r\n" % (self._head, token)


def text_frame(payload: bytes) -> bytes:
    """Return one masked text frame."""
    return _masked(TEXT, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return _masked(PONG, payload)


def close_frame(code: int) -> bytes:
    """Return a close frame, or the answer to one."""
    return _masked(CLOSE, b"" if code == NO_STATUS else struct.pack("!H", code))


def _masked(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", _FINAL | opcode, _MASKED | size)
    elif size < 65536:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | 126, size)
    else:
        raise WireError("a client sends no frames above 65,535 bytes")
    return head + _ZERO_KEY + payload


def frame_bytes(payload: bytes) -> int:
    """Return the size on the wire of a text frame from the server."""
    return len(payload) + (2 if len(payload) < 126 else 4 if len(payload) < 65536 else 10)


def frame_span(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the server's frame at `at` starts and where it ends.

    None if the frame is not whole yet.

    Raises:
        WireError: it never will be one that a client takes.
    """
    left = len(data) - at
    if left < 2:
        return None
    size, start = data[at + 1], at + 2
    if size == 126 and left >= 4:
        size, start = data[at + 2] << 8 | data[at + 3], at + 4
    elif size == 127 and left >= 10:
        size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
    elif size >= 126:
        if size > 127:
            raise WireError("the server masked a frame")
        return None
    if size > _FRAME_BYTES_MAX:
        raise WireError(f"the server sends a frame of {size} bytes")
    end = start + size
    return (start, end) if end <= len(data) else None


def close_code(payload: bytes) -> int:
    """Return the code in the payload of a close frame."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else NO_STATUS
