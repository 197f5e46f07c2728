"""One address for everything under `make run`: requests for the HTTP side are handed on to it.

Elsewhere a balancer tells requests apart and a worker never sees these (docs/haproxy.md). Here the
page has to find uploads on its own host, too, or its policy would have to allow another one.

A request is looked at up to the end of its first line; from there on bytes go both ways unread. A
connection is good for one request: it is told to close behind it, so that the next one is looked
at again.
"""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from chat.gateway import http

#: Requests at a time, event streams among them.
MOST = 200
_CHUNK_BYTES = 65536
_FIRST_LINE = re.compile(rb"[A-Z]{3,7} /(?:api|files|docs)(?:[/?][!-~]*)? HTTP/1\.1\r\n")
_LAST_REQUEST = b"Connection: close\r\n"


class Relay:
    """Hands requests on to the HTTP side on this machine.

    Args:
        port: of the HTTP side, on the loopback interface.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._under_way: set[asyncio.Task[None]] = set()

    @staticmethod
    def takes(data: bytes) -> bool:
        """Whether a connection that begins with these bytes is for the HTTP side."""
        return _FIRST_LINE.match(data) is not None

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Own a connection from here on, with what has been read of it."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_CHUNK_BYTES, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        if len(self._under_way) >= MOST:
            _refuse(writer, "Too many requests at once.")
            return
        task = loop.create_task(self._hand_on(reader, writer, data), name="relay")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def stop(self) -> None:
        """Cut what is under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _hand_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> None:
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            _refuse(writer, "The HTTP side is not there.")
            return
        try:
            line, end, rest = data.partition(b"\r\n")
            requests.write(line + end + _LAST_REQUEST + rest)
            await _until_one_ends(_copy(reader, requests), _copy(answers, writer))
        finally:
            requests.close()
            writer.close()


def _refuse(writer: asyncio.StreamWriter, sentence: str) -> None:
    writer.write(http.sentence(503, sentence, retry_after_s=1).serialize())
    writer.close()


async def _until_one_ends(*copying: Coroutine[Any, Any, None]) -> None:
    """Whoever ends first, the client or the HTTP side, ends the connection."""
    tasks = [asyncio.create_task(each) for each in copying]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on as fast as they are taken, until there are no more."""
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return  # it broke off: that ends it as well
