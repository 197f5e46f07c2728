"""What one address may do at the front, and how long a slow one may take."""

import asyncio
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.front.asking import ask
from tests.front.backends import backends
from tests.front.certificates import Certificates
from tests.front.conftest import Front, StartFront, StartHaproxy
from tests.front.hanging_up import hang_up
from tests.support.client import ChatClient
from tests.support.proxy_header import header
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)

#: Long after a connection that is too many was cut.
PATIENT = {"request_timeout": "60s", "client_timeout": "60s"}


async def is_cut(front: Front) -> bool:
    """Whether a new connection from 127.0.0.1 ends before it has said a word; ask a PATIENT one."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.haproxy.port)
    except ConnectionResetError:  # so fast
        return True
    try:
        async with asyncio.timeout(10.0):
            return await reader.read(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    finally:
        await hang_up(writer)


async def test_connections_per_address_are_limited_and_others_get_in(
    start_front: StartFront,
) -> None:
    front = await start_front(1, front={"address_connections": 3, **PATIENT})
    opened = [await front.connect("ann") for _ in range(3)]
    assert await is_cut(front)
    opened.append(await front.connect("bob", local_addr=("127.0.0.2", 0)))
    await opened.pop(0).close()

    async def let_in() -> ChatClient | None:
        """Connect again: HAProxy hears of the end of the other connection a moment after us."""
        try:
            return await front.connect("ann")
        except (OSError, EOFError, WebSocketException):
            return None

    opened.append(await until(let_in, what="a place"))
    for client in opened:
        await client.close()


async def test_new_connections_per_address_are_limited(start_front: StartFront) -> None:
    front = await start_front(1, front={"address_connects": 5})
    tls = front.certificates.client()
    for _ in range(5):
        assert (await ask(front.haproxy.port, "/", tls=tls)).status == 200

    async def is_refused() -> bool:
        """Ask again: where the first ones took long, they may not count as new any more."""
        try:
            return (await ask(front.haproxy.port, "/", tls=tls)).status != 200
        except OSError:
            return True

    await until(is_refused, 30.0, what="the limit")
    assert (await ask(front.haproxy.port, "/", tls=tls, source="127.0.0.2")).status == 200


async def test_websockets_per_address_are_limited(start_front: StartFront) -> None:
    front = await start_front(1, front={"address_websockets": 2})
    opened = [await front.connect("ann") for _ in range(2)]
    with pytest.raises(InvalidStatus) as refused:
        await front.connect("ann")
    assert refused.value.response.status_code == 429
    opened.append(await front.connect("bob", local_addr=("127.0.0.2", 0)))
    for client in opened:
        await client.close()


async def test_behind_a_balancer_the_clients_addresses_are_limited(
    start_haproxy: StartHaproxy, certificates: Certificates
) -> None:
    options: dict[str, Any] = {"accept_proxy": 1, "address_connections": 2}
    async with backends(["127.0.1.1"]) as port:
        haproxy = await start_haproxy([f"127.0.1.1:{port}"], **options)

        async def status(client: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", haproxy.port)
            opened.append(writer)
            writer.write(header(client))
            try:
                await writer.start_tls(certificates.client(), server_hostname="127.0.0.1")
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return (await asyncio.wait_for(reader.readline(), 30.0)).strip()
            except ConnectionError:  # with TLS 1.3 before or after its end
                return b""

        opened: list[asyncio.StreamWriter] = []
        for client, answer in [
            ("192.0.2.1", b"HTTP/1.1 200 OK"),
            ("192.0.2.1", b"HTTP/1.1 200 OK"),
            ("192.0.2.1", b""),
            ("192.0.2.2", b"HTTP/1.1 200 OK"),
        ]:
            assert await status(client) == answer, client
        for writer in opened:
            await hang_up(writer)


async def test_a_request_that_drips_is_ended_in_time(start_front: StartFront) -> None:
    front = await start_front(1, front={"request_timeout": "1s"})
    began_s = time.monotonic()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.haproxy.port, ssl=front.certificates.client()
    )
    dripping = asyncio.create_task(_drip(writer))
    answer = await asyncio.wait_for(reader.read(-1), 30.0)
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.5 < time.monotonic() - began_s < 30.0, "it drips for a hundred seconds"
    await hang_up(writer)


@pytest.mark.parametrize("said", [b"", bytes.fromhex("16030102000100")])
async def test_a_tls_handshake_that_stalls_is_ended_in_time(
    start_front: StartFront, said: bytes
) -> None:
    """Nothing, or the first bytes of a ClientHello, and then silence."""
    front = await start_front(1, front={"request_timeout": "1s", "client_timeout": "1s"})
    began_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", front.haproxy.port)
    writer.write(said)
    assert await asyncio.wait_for(reader.read(-1), 30.0) == b""
    assert time.monotonic() - began_s > 0.5
    await hang_up(writer)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for byte in b"GET /ws HTTP/1.1\r\nX: " + b"x" * 1000:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.1)


async def test_a_body_beyond_the_limit_is_refused_before_any_of_it_comes(front: Front) -> None:
    answer = await ask(
        front.haproxy.port,
        "/api/v1/rooms/lobby/files",
        tls=front.certificates.client(),
        method="POST",
        headers={"Content-Length": "16777217"},
    )
    assert answer.status == 413
