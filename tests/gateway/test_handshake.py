"""The handshake and plain HTTP on the public port."""

import pytest

from chat.gateway.application import Refusal
from tests.gateway.application import PAGE
from tests.gateway.conftest import Serve, Served
from tests.gateway.wire import END, REQUEST, RawClient, text
from tests.support.waiting import until


async def exchange(served: Served, request: bytes) -> tuple[bytes, bytes]:
    """Send a request and read to the end; return head and body."""
    client = await served.connect()
    await client.send(request)
    head = await client.read_head()
    return head, await client.read_to_end()


async def answers(client: RawClient, status: int, *, retry_after: bool = False) -> None:
    """Check that a refusal arrives whole."""
    head = await client.read_head()
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert (b"Retry-After: " in head) == retry_after
    assert await client.read_to_end()


async def test_get_answers_with_the_page(serve: Serve) -> None:
    head, body = await exchange(await serve(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == PAGE
    assert b"Content-Security-Policy: default-src 'none'" in head


async def test_head_has_the_length_and_no_body(serve: Serve) -> None:
    head, body = await exchange(await serve(), b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Length: %d" % len(PAGE) in head
    assert body == b""


WRONG = {
    "POST": (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "POST with a body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 400),
    "chunked": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\n\x01\xfc\x03\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "no upgrade": (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    "POST at /ws": (REQUEST.replace(b"GET", b"POST") + END, 405),
    "HTTP/1.0 at /ws": (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0") + END, 505),
    "wrong version": (REQUEST.replace(b"Version: 13", b"Version: 8") + END, 400),
    "no key": (REQUEST.replace(b"-Key:", b"-Kee:") + END, 400),
    "a long line": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (REQUEST + b"X: " + b"x" * 9000 + END + END, 431),
    "many headers": (REQUEST + b"X: x\r\n" * 200 + END, 431),
    "a large request": (REQUEST + (b"X: " + b"x" * 4000 + END) * 1000, 431),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_request_gets_an_answer_it_can_read(serve: Serve, name: str) -> None:
    request, status = WRONG[name]
    served = await serve()
    client = await served.connect()
    await client.send(request)
    await answers(client, status)
    client.close()
    await until(lambda: served.stats.pending_connections == 0)
    assert not served.application.handlers


async def test_a_request_may_be_as_large_as_the_setting_says(serve: Serve) -> None:
    served = await serve(max_header_bytes=len(REQUEST + END))
    await served.open(early=text("behind the request"))
    client = await served.connect()
    await client.send(REQUEST + b"X" + END)
    await answers(client, 431)


async def test_the_subprotocol_is_echoed_and_the_token_is_not(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    await client.send(REQUEST + b"Sec-WebSocket-Protocol: chat.v1, chat.token.abc\r\n" + END)
    head = await client.read_head()
    assert b"Sec-WebSocket-Protocol: chat.v1\r\n" in head + b"\r\n"
    assert b"abc" not in head
    client = await served.connect()
    await client.send(REQUEST + END)
    assert b"Sec-WebSocket-Protocol" not in await client.read_head()


async def test_compression_is_only_agreed_on_when_it_is_configured(serve: Serve) -> None:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    for compression in (False, True):
        served = await serve(compression=compression)
        client = await served.connect()
        await client.send(REQUEST + offer + END)
        assert (b"permessage-deflate" in await client.read_head()) == compression


async def test_a_decision_may_come_later(serve: Serve) -> None:
    served = await serve()
    served.application.decides_later = True
    client = await served.connect()
    await client.send(REQUEST + END + text("echo early"))
    await until(lambda: served.application.decisions)
    served.application.decisions.pop()(None)
    assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
    assert await client.read_text() == "echo early"


async def test_a_refusal_has_its_status_and_says_when_to_come_back(serve: Serve) -> None:
    served = await serve()
    served.application.decides_later = True
    client = await served.connect()
    await client.send(REQUEST + END)
    await until(lambda: served.application.decisions)
    served.application.decisions.pop()(Refusal(429, "Slow down.", "address_rate", 3))
    await answers(client, 429, retry_after=True)
    assert served.stats.connections_refused == {"address_rate": 1}


async def test_a_decision_about_a_client_that_left_changes_nothing(serve: Serve) -> None:
    served = await serve()
    served.application.decides_later = True
    client = await served.connect()
    await client.send(REQUEST + END)
    await until(lambda: served.application.decisions)
    await served.gateway.stop()  # reading is paused meanwhile, so only a cut is noticed
    await until(lambda: served.stats.pending_connections == 0)
    served.application.decisions.pop()(None)
    assert not served.application.handlers
    assert served.stats.handshakes_failed == 1


async def test_the_address_is_the_proxys_word_only_if_the_proxy_is_trusted(serve: Serve) -> None:
    header = b"X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\n"
    for trusted, address in (("", "127.0.0.1"), ("127.0.0.0/8", "198.51.100.7")):
        served = await serve(trusted_proxies=trusted)
        await served.open(header)
        assert served.application.addresses == [address]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", REQUEST, b"GET / HT"])
async def test_a_client_that_does_not_finish_its_request_is_told_and_cut(
    serve: Serve, sent: bytes
) -> None:
    served = await serve(handshake_timeout=1)
    client = await served.connect()
    await client.send(sent)
    await answers(client, 408)
    client.close()
    await until(lambda: served.stats.pending_connections == 0)
    assert served.stats.connections_refused == {"handshake": 1}


@pytest.mark.slow
async def test_a_client_that_does_not_authenticate_is_closed_with_4102(serve: Serve) -> None:
    served = await serve(handshake_timeout=1)
    served.application.authenticates = False
    client, _ = await served.open()
    assert served.stats.pending_connections == 1
    assert await client.read_close() == 4102
    assert served.stats.pending_connections == 0


@pytest.mark.slow
async def test_a_client_that_never_reads_its_page_or_never_leaves_is_cut(serve: Serve) -> None:
    served = await serve(handshake_timeout=3, send_buffer=8192)
    served.application.page = b"x" * 10_000_000
    deaf = await served.connect(receive_buffer=8192)
    await deaf.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    lingering = await served.connect()
    await lingering.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await lingering.read_to_end()
    assert served.stats.pending_connections == 2
    await until(lambda: served.stats.pending_connections == 0)
    assert len(await deaf.read_to_end()) < len(served.application.page)
