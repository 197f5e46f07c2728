"""Who a client is: the nearest address that is not a trusted proxy's."""

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from chat.gateway.address import client_address, parse_networks


def address(peer: object, trusted: str, *forwarded: str) -> str:
    request = Request("/ws", Headers([("X-Forwarded-For", value) for value in forwarded]))
    return client_address(peer, request, parse_networks(trusted))


@pytest.mark.parametrize(
    ("peer", "trusted", "forwarded", "expected"),
    [
        ("192.0.2.1", "", ["10.0.0.1"], "192.0.2.1"),  # nobody is trusted
        ("192.0.2.1", "10.0.0.0/8", ["10.0.0.1"], "192.0.2.1"),  # a client writes the header
        ("10.0.0.9", "10.0.0.0/8", [], "10.0.0.9"),  # the proxy says nothing
        ("10.0.0.9", "10.0.0.0/8", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.9", "10.0.0.0/8", ["1.1.1.1, 192.0.2.1"], "192.0.2.1"),  # left of it is spoofed
        ("10.0.0.9", "10.0.0.0/8", ["1.1.1.1", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.9", "10.0.0.0/8", ["192.0.2.1, 10.0.0.8"], "192.0.2.1"),  # two proxies
        ("10.0.0.9", "10.0.0.9", ["192.0.2.1, 10.0.0.8"], "10.0.0.8"),  # only one is trusted
        ("10.0.0.9", "10.0.0.0/8", ["10.0.0.7"], "10.0.0.7"),  # everyone is trusted
        ("10.0.0.9", "10.0.0.0/8", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.9", "10.0.0.0/8", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.9", "10.0.0.0/8", ["2001:DB8:0::1"], "2001:db8::1"),
        ("10.0.0.9", "10.0.0.0/8", ["unknown"], "unknown"),
        ("::ffff:10.0.0.9", "10.0.0.0/8", ["192.0.2.1"], "192.0.2.1"),
        ("::ffff:192.0.2.1", "", [], "192.0.2.1"),
        ("fd00::1", "10.0.0.0/8, fd00::/8", ["192.0.2.1"], "192.0.2.1"),
        ("fe80::1%eth0", "", [], "fe80::1%eth0"),
    ],
)
def test_the_nearest_address_that_is_not_trusted(
    peer: str, trusted: str, forwarded: list[str], expected: str
) -> None:
    assert address((peer, 1234), trusted, *forwarded) == expected


def test_a_unix_socket_is_local_and_its_proxy_is_trusted_if_any_is() -> None:
    assert address("", "") == "local"
    assert address("", "", "192.0.2.1") == "local"
    assert address("", "10.0.0.0/8", "192.0.2.1") == "192.0.2.1"


def test_a_wrong_network_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        parse_networks("10.0.0.0/8, proxy.example")
