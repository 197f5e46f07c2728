"""Under `make run` a worker hands requests for the HTTP side on, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.gateway.application import PAGE
from tests.gateway.conftest import Serve
from tests.support.ports import unused_port
from tests.support.waiting import until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MEGABYTES = 4_000_000


class HttpSide:
    """Answers each connection with the same bytes, once it has read what it wants."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.answer = ANSWER
        self.waits = False  # for the client to go
        self.left = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        _, _, length = head.lower().partition(b"content-length: ")
        self.bodies.append(await reader.readexactly(int(length.split(b"\r\n")[0] or 0)))
        if self.waits:
            await reader.read()
            self.left += 1
        writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def http_side() -> AsyncIterator[HttpSide]:
    side = HttpSide()
    async with await asyncio.start_server(side.serve, "127.0.0.1", 0) as server:
        side.port = server.sockets[0].getsockname()[1]
        yield side


async def test_a_request_for_the_http_side_gets_there_and_is_the_last_of_its_connection(
    serve: Serve,
) -> None:
    async with http_side() as side:
        served = await serve(local_mode=True, local_api_port=side.port)
        for path in (b"/api/v1/uploads", b"/files/x/tea.png", b"/docs", b"/docs?x"):
            client = await served.connect()
            await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await client.read_to_end() == ANSWER
            said = b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n\r\n"
            assert side.heads.pop() == said
    assert served.application.addresses == []


async def test_large_bodies_go_through_in_both_directions(serve: Serve) -> None:
    async with http_side() as side:
        side.answer = bytes(MEGABYTES)
        served = await serve(local_mode=True, local_api_port=side.port)
        client = await served.connect()
        length = f"Content-Length: {MEGABYTES}\r\n\r\n".encode()
        await client.send(b"POST /api/v1/rooms/a/files HTTP/1.1\r\n" + length)
        await client.send(b"websocket" + bytes(MEGABYTES - 9))
        assert await client.read_to_end() == side.answer
        assert side.bodies == [b"websocket" + bytes(MEGABYTES - 9)]


async def test_all_else_stays_with_the_worker(serve: Serve) -> None:
    async with http_side() as side:
        served = await serve(local_mode=True, local_api_port=side.port)
        for path in (b"/", b"/apiary", b"/static/app.js", b"//api/v1", b"/local/token?user=/api/"):
            client = await served.connect()
            await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await client.read_to_end()).endswith(PAGE)
        await served.open()
        assert side.heads == []


async def test_a_worker_that_is_told_of_no_http_side_hands_nothing_on(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    await client.send(b"GET /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await client.read_to_end()).endswith(PAGE)


async def test_an_http_side_that_is_not_there_is_said(serve: Serve) -> None:
    served = await serve(local_mode=True, local_api_port=unused_port())
    client = await served.connect()
    await client.send(b"GET /docs HTTP/1.1\r\n\r\n")
    assert (await client.read_head()).startswith(b"HTTP/1.1 503 ")
    assert await client.read_to_end() == b"The HTTP side is not there.\n"


async def test_a_client_that_leaves_is_not_waited_for(serve: Serve) -> None:
    async with http_side() as side:
        side.waits = True
        served = await serve(local_mode=True, local_api_port=side.port)
        client = await served.connect()
        await client.send(b"GET /api/v1/rooms/a/events HTTP/1.1\r\n\r\n")
        await until(lambda: len(side.heads) == 1, what="the request")
        client.close()
        await until(lambda: side.left == 1, what="the end of it")


async def test_what_is_under_way_ends_with_the_worker(serve: Serve) -> None:
    async with http_side() as side:
        side.waits = True
        served = await serve(local_mode=True, local_api_port=side.port)
        client = await served.connect()
        await client.send(b"GET /api/v1/rooms/a/events HTTP/1.1\r\n\r\n")
        await until(lambda: len(side.heads) == 1, what="the request")
        await served.gateway.stop()
        assert await client.read_to_end() == b""
