"""The address of the client: the peer, or what a trusted proxy says in front of it."""

import asyncio
import ipaddress
from collections.abc import Sequence

from websockets.http11 import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse a comma-separated list of addresses and networks.

    Raises:
        ValueError: an entry is neither.
    """
    return tuple(
        ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()
    )


def client_address(
    transport: asyncio.BaseTransport, request: Request, trusted: Sequence[Network]
) -> str:
    """Return the nearest address that is not a trusted proxy's.

    `X-Forwarded-For` is read from the right, as each proxy appends what it has seen; anything a
    client writes into it lies further left and is never reached.
    """
    peer = transport.get_extra_info("peername")
    address = peer[0] if isinstance(peer, tuple) else "local"
    if not trusted:
        return address
    hops = [
        hop.strip() for value in request.headers.get_all("X-Forwarded-For") for hop in value.split(",")
    ]
    while hops and _is_in(address, trusted):
        address = hops.pop()
    return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address == "local"  # a Unix socket: its file's permissions are the trust
    return any(parsed in network for network in networks)
