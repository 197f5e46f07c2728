"""PROXY protocol headers: read to the letter, from trusted proxies only."""

import asyncio
import contextlib
import ipaddress
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.gateway.proxy_header import (
    MAX_BYTES,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    read_proxy_header,
)
from chat.settings import SettingsError, from_environ
from tests.gateway.conftest import Serve
from tests.gateway.wire import END, REQUEST
from tests.support.proxy_header import header

LOCAL = SIGNATURE + b"\x20\0\0\0"


@settings(deadline=None)
@given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=64), st.binary(max_size=64))
def test_what_a_proxy_says_is_read_and_what_follows_is_left(
    client: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, extra: bytes, rest: bytes
) -> None:
    written = header(str(client), port, extra)
    assert read_proxy_header(written + rest) == ProxyHeader((str(client), port), len(written))


@settings(deadline=None)
@given(st.ip_addresses(), st.data())
def test_a_part_of_a_header_asks_for_more(
    client: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    written = header(str(client))
    assert read_proxy_header(written[: data.draw(st.integers(0, len(written) - 1))]) is None


def test_a_proxy_may_speak_for_itself() -> None:
    assert read_proxy_header(LOCAL + b"GET") == ProxyHeader(None, len(LOCAL))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",  # version 1
        b"\r\n\r\n\0\r\nQUIZ",
        SIGNATURE + b"\x31\x11\0\x0c" + b"\0" * 12,  # version 3
        SIGNATURE + b"\x22\x11\0\x0c" + b"\0" * 12,  # no such command
        SIGNATURE + b"\x21\x12\0\x0c" + b"\0" * 12,  # UDP
        SIGNATURE + b"\x21\x11\0\x0b" + b"\0" * 11,  # too short
        SIGNATURE + b"\x21\x11" + struct.pack("!H", MAX_BYTES),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read_proxy_header(data)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_no_bytes_break_it(rest: bytes) -> None:
    try:
        found = read_proxy_header(SIGNATURE + rest)
    except ProxyHeaderError:
        return
    assert found is None or found.size <= len(SIGNATURE + rest)


@pytest.mark.parametrize("cuts", [(), (1, 20), (13, 14, 15, 30)])
async def test_a_trusted_proxy_says_who_the_client_is(serve: Serve, cuts: tuple[int, ...]) -> None:
    served = await serve(proxy_protocol=True, trusted_proxies="127.0.0.1")
    client = await served.connect()
    whole = header("192.0.2.7") + REQUEST + b"X-Forwarded-For: 198.51.100.1\r\n" + END
    for begin, end in pairwise((0, *cuts, len(whole))):
        await client.send(whole[begin:end])
        await asyncio.sleep(0.01)  # so that the pieces arrive as pieces
    assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
    assert served.application.addresses == ["192.0.2.7"]


async def test_a_proxy_that_speaks_for_itself_is_the_client(serve: Serve) -> None:
    served = await serve(proxy_protocol=True, trusted_proxies="127.0.0.1")
    client = await served.connect()
    await client.send(LOCAL + REQUEST + END)
    assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
    assert served.application.addresses == ["127.0.0.1"]


async def test_a_trusted_proxy_that_leaves_it_out_is_cut(serve: Serve) -> None:
    served = await serve(proxy_protocol=True, trusted_proxies="127.0.0.1")
    client = await served.connect()
    await client.send(REQUEST + END)
    with contextlib.suppress(ConnectionResetError):
        assert await client.read_to_end() == b""
    assert served.stats.connections_refused["handshake"] == 1


async def test_nobody_else_is_believed(serve: Serve) -> None:
    served = await serve(proxy_protocol=True, trusted_proxies="192.0.2.0/24")
    client = await served.connect()
    await client.send(header("192.0.2.7") + REQUEST + END)
    assert b" 101 " not in await client.read_to_end()
    plain = await served.connect()
    await plain.send(REQUEST + END)
    assert (await plain.read_head()).startswith(b"HTTP/1.1 101 ")
    assert served.application.addresses == ["127.0.0.1"]


def test_it_needs_to_know_who_may_send_it() -> None:
    with pytest.raises(SettingsError, match="CHAT_PROXY_PROTOCOL needs CHAT_TRUSTED_PROXIES"):
        from_environ({"CHAT_PROXY_PROTOCOL": "true"})
