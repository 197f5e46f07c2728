"""The operations port over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from chat.ops import healthcheck
from chat.ops import server as server_module
from chat.ops.server import OpsServer, Readiness
from tests.support import http
from tests.support.ports import listening_socket, port_of
from tests.support.waiting import until


class Ops:
    """A server whose answers the test decides, and how long it waits for a request."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self.readiness = Readiness(ready=True, reasons=[], workers=[{"slot": 0}])
        self.sock = listening_socket()
        self.port = port_of(self.sock)
        self.server = OpsServer(
            readiness=lambda: self.readiness,
            metrics=lambda: ("text/plain; version=0.0.4", b"chat_up 1\n"),
            max_request_bytes=2048,
            timeout_s=timeout_s,
        )

    async def talk(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(-1), 20.0)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def ops() -> AsyncIterator[Ops]:
    made = Ops()
    await made.server.start(made.sock)
    yield made
    await made.server.stop()


async def test_it_is_alive_and_counts(ops: Ops) -> None:
    assert (await http.get(ops.port, "/healthz")).status == 200
    answer = await http.get(ops.port, "/metrics?x=1")
    assert answer.body == "chat_up 1\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"


async def test_readiness_is_200_or_503_with_its_reasons(ops: Ops) -> None:
    assert (await http.get(ops.port, "/readyz")).status == 200
    ops.readiness = Readiness(ready=False, reasons=["draining"], workers=[])
    answer = await http.get(ops.port, "/readyz")
    assert answer.status == 503
    assert json.loads(answer.body) == {"ready": False, "reasons": ["draining"], "workers": []}


async def test_head_has_the_length_and_no_body(ops: Ops) -> None:
    head, _, body = (await ops.talk(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).partition(
        b"\r\n\r\n"
    )
    assert b"200 OK" in head
    assert b"Content-Length: 10" in head
    assert body == b""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 3000, b"431"),
    ],
)
async def test_what_it_does_not_serve_is_refused(
    ops: Ops, request_bytes: bytes, status: bytes
) -> None:
    assert (await ops.talk(request_bytes)).split(b" ")[1] == status


async def test_a_request_in_pieces_is_answered_once(ops: Ops) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ops.port)
    for piece in (
        b"GET /hea",
        b"lthz HTTP/1.1\r\nHo",
        b"st: x\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n",
    ):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert (await reader.read(-1)).count(b"HTTP/1.1 200") == 1
    writer.close()


async def test_a_silent_connection_is_cut() -> None:
    ops = Ops(timeout_s=0.5)
    await ops.server.start(ops.sock)
    try:
        assert await ops.talk(b"GET /healthz") == b""
    finally:
        await ops.server.stop()


async def test_connections_are_bounded(ops: Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 1)
    _, first = await asyncio.open_connection("127.0.0.1", ops.port)
    await until(lambda: ops.server.connections)
    assert await ops.talk(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == b""
    first.close()
    await until(lambda: not ops.server.connections)
    assert (await http.get(ops.port, "/healthz")).status == 200


async def test_the_healthcheck_of_an_image_asks_the_operations_port(ops: Ops) -> None:
    environ = {"CHAT_OPS_HOST": "0.0.0.0", "CHAT_OPS_PORT": str(ops.port)}
    assert await asyncio.to_thread(healthcheck.problem, environ, "/healthz") is None

    ops.readiness = Readiness(ready=False, reasons=["Redis is away"], workers=[])
    assert await asyncio.to_thread(healthcheck.problem, environ, "/healthz") is None
    found = await asyncio.to_thread(healthcheck.problem, environ, "/readyz")
    assert found is not None
    assert "503" in found
    assert "Redis is away" in found


def test_a_healthcheck_of_nothing_fails(unused_port: int) -> None:
    environ = {"CHAT_OPS_PORT": str(unused_port)}
    assert "refused" in (healthcheck.problem(environ, "/healthz") or "").lower()
