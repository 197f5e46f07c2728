"""Servers that answer each request with their own address: they stand for more workers than fit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.front.certificates import Certificates
from tests.front.hanging_up import hang_up
from tests.support.haproxy import Haproxy
from tests.support.ports import unused_port


@asynccontextmanager
async def backends(hosts: Sequence[str], port: int | None = None) -> AsyncIterator[int]:
    """Listen on one port of several loopback addresses; yields the port."""
    open_ones: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        host, port = writer.get_extra_info("sockname")
        body = f"{host}:{port}".encode()
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, ConnectionError):
            await hang_up(writer)
        finally:
            open_ones.discard(writer)

    port = port or unused_port()
    async with AsyncExitStack() as stack:
        for host in hosts:
            server = await asyncio.start_server(answer, host, port)
            stack.callback(server.close)
        yield port
    for writer in list(open_ones):
        await hang_up(writer)


async def placement(
    haproxy: Haproxy, certificates: Certificates, rooms: Sequence[str]
) -> dict[str, str]:
    """Ask for every room over one connection; return which server answered."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", haproxy.port, ssl=certificates.client()
    )
    found = {}
    for room in rooms:
        writer.write(f"GET /ws?room={room} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(30.0):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length:")[2].split()[0])
            found[room] = (await reader.readexactly(size)).decode()
    await hang_up(writer)
    return found
