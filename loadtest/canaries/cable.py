"""The cable of one canary: an HTTP proxy of its own, so that a storm can pull it.

The SDK has no door for cutting its connection, and a test of it should have none either. A proxy
is something its users have, and TLS goes through it from end to end.
"""

import asyncio
import contextlib
from typing import Self

_CHUNK_BYTES = 1 << 16
_REACHED = b"HTTP/1.1 200 Connected\r\n\r\n"
_NOT_REACHED = b"HTTP/1.1 502 Bad Gateway\r\n\r\n"


class Cable:
    """Carries connections until they end or it is cut; new ones are carried after a cut too."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    @property
    def address(self) -> str:
        """What the SDK is told as its proxy, while it is open."""
        if self._server is None:
            raise RuntimeError("the cable is not open")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End what it carries, in both directions and without a goodbye."""
        for end in self._ends:
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            # Its end before it has asked for anything is no news.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                request = await reader.readuntil(b"\r\n\r\n")
                host, _, port = request.split()[1].decode().rpartition(":")
                await self._connect(host.strip("[]"), int(port), reader, writer)
        finally:
            self._ends.discard(writer)
            writer.transport.abort()

    async def _connect(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(_NOT_REACHED)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        self._ends.add(far_writer)
        writer.write(_REACHED)
        ways = [
            asyncio.create_task(_pump(reader, far_writer), name="cable-out"),
            asyncio.create_task(_pump(far_reader, writer), name="cable-in"),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._ends.discard(far_writer)
            far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # its end either way
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
