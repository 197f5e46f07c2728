"""A client on a bare socket: it sends what it is told, rightly or wrongly, and reads when told."""

import asyncio
import contextlib
import socket
from typing import Self

from websockets.frames import Close, Frame, Opcode

from chat.protocol import frames

TIMEOUT_S = 30.0
REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
END = b"\r\n"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    """Return one frame as a client sends it."""
    return Frame(Opcode(opcode), payload, fin).serialize(mask=mask)


def text(content: str) -> bytes:
    """Return a masked text frame."""
    return frame(Opcode.TEXT, content.encode())


def close_frame(code: int = 1000) -> bytes:
    """Return a masked close frame."""
    return frame(Opcode.CLOSE, Close(code, "").serialize())


class RawClient:
    """One socket; nothing is read from it unless a method asks."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = bytearray()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, port: int, *, receive_buffer: int | None = None) -> Self:
        """Open the TCP connection only."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    async def upgrade(self, headers: bytes = b"", early: bytes = b"") -> Self:
        """Send the handshake, with `early` in the same packet, and check the answer."""
        await self.send(REQUEST + headers + END + early)
        head = await self.read_head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the server does not read."""
        async with asyncio.timeout(TIMEOUT_S):
            await self._loop.sock_sendall(self.sock, data)

    async def read_head(self) -> bytes:
        """Read an HTTP response up to its empty line."""
        while b"\r\n\r\n" not in self.unread:
            await self._read_more()
        head, _, rest = bytes(self.unread).partition(b"\r\n\r\n")
        self.unread = bytearray(rest)
        return head

    async def read_frame(self) -> tuple[int, bytes]:
        """Read one frame; return its first byte and its payload."""
        while True:
            header = frames.header_bytes(self.unread, 0)
            if header and len(self.unread) >= header:
                start, size = frames.payload_span(self.unread, 0)
                if len(self.unread) >= start + size:
                    found = self.unread[0], bytes(self.unread[start : start + size])
                    del self.unread[: start + size]
                    return found
            await self._read_more()

    async def read_text(self) -> str:
        """Read one frame, which must be text."""
        first, payload = await self.read_frame()
        assert first == frames.TEXT, (first, payload)
        return payload.decode()

    async def read_close(self) -> int:
        """Read up to the close frame and return its code; answer nothing."""
        while True:
            first, payload = await self.read_frame()
            if first == frames.CLOSE:
                return Close.parse(payload).code

    async def read_to_end(self) -> bytes:
        """Read until the server has closed its half."""
        with contextlib.suppress(EOFError):
            while True:
                await self._read_more()
        found, self.unread = bytes(self.unread), bytearray()
        return found

    async def _read_more(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            data = await self._loop.sock_recv(self.sock, 65536)
        if not data:
            raise EOFError("the server has closed its half")
        self.unread += data

    def close(self) -> None:
        """Close the socket, without a word."""
        self.sock.close()
