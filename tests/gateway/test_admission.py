"""Too many: of handshakes, of connections, of descriptors. The others go on being served."""

import sys

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.test_handshake import answers
from tests.gateway.wire import END, REQUEST, RawClient, text
from tests.support import logs
from tests.support.ports import listening_socket, port_of
from tests.support.waiting import until
from tests.support.worker import Process


async def test_a_full_worker_refuses_with_503_and_serves_the_others(serve: Serve) -> None:
    served = await serve(max_connections=2)
    first, _ = await served.open()
    second, _ = await served.open()
    client = await served.connect()
    await client.send(REQUEST + END)
    await answers(client, 503, retry_after=True)
    assert served.stats.connections_refused == {"full": 1}
    for other in (first, second):
        await other.send(text("echo still here"))
        assert await other.read_text() == "echo still here"
    first.close()
    await until(lambda: served.stats.connections == 1)
    await served.open()


async def test_too_many_handshakes_at_once_are_refused_with_503(serve: Serve) -> None:
    served = await serve(max_pending_connections=3)
    served.application.authenticates = False
    await served.open()  # not authenticated: pending too
    idle = [await served.connect() for _ in range(2)]
    await until(lambda: served.stats.pending_connections == 3)
    client = await served.connect()
    await answers(client, 503, retry_after=True)
    assert served.stats.connections_refused == {"pending": 1}
    idle[0].close()
    await until(lambda: served.stats.pending_connections == 2)
    client = await served.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await answers(client, 200)


async def test_a_draining_worker_refuses_with_503(serve: Serve) -> None:
    served = await serve()
    client, _ = await served.open()
    late = await served.connect()
    await until(lambda: served.stats.pending_connections == 1)
    served.gateway.stop_accepting()
    await late.send(REQUEST + END)
    await answers(late, 503, retry_after=True)
    await client.send(text("echo still here"))
    assert await client.read_text() == "echo still here"
    with pytest.raises(ConnectionRefusedError):
        await served.connect()


@pytest.mark.parametrize("reason", ["full", "draining"])
async def test_what_changed_while_the_token_was_verified_counts(serve: Serve, reason: str) -> None:
    served = await serve(max_connections=1)
    served.application.decides_later = True
    clients = [await served.connect() for _ in range(2)]
    for client in clients:
        await client.send(REQUEST + END)
    await until(lambda: len(served.application.decisions) == 2)
    if reason == "draining":
        served.gateway.stop_accepting()
    else:
        served.application.decisions.pop(0)(None)
    served.application.decisions.pop()(None)
    assert served.stats.connections_refused == {reason: 1}


@pytest.mark.slow
async def test_a_worker_at_its_descriptor_limit_refuses_with_503_and_goes_on_serving() -> None:
    limit, reserved, for_handshakes = 200, 100, 50
    with listening_socket() as sock:
        command = [sys.executable, "-m", "tests.conformance.echo", str(sock.fileno())]
        shell = ["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh", *command]
        process = Process(shell, {}, logs.new_directory() / "echo.log")
        process.spawn(pass_fds=[sock.fileno()])
        port = port_of(sock)
    clients = []
    try:
        for _ in range(limit - reserved):
            clients.append(await RawClient.connect(port))
            await clients[-1].upgrade()
        full = await RawClient.connect(port)
        clients.append(full)
        await full.send(REQUEST + END)
        await answers(full, 503, retry_after=True)
        full.close()
        more = 2 * for_handshakes  # half of them are refused unasked
        clients += [await RawClient.connect(port) for _ in range(more)]
        await answers(clients[-1], 503, retry_after=True)
        await clients[0].send(text("still here"))
        assert await clients[0].read_text() == "still here"
        for client in clients:
            client.close()

        async def let_in() -> bool:
            clients.append(await RawClient.connect(port))
            await clients[-1].send(REQUEST + END)
            return (await clients[-1].read_head()).startswith(b"HTTP/1.1 101 ")

        await until(let_in, what="a place after all have left")
    finally:
        for client in clients:
            client.close()
        await process.terminate()
    assert process.log() == ""
