"""The address of the client: the peer, or what a trusted proxy says in front of it."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from chat.gateway.application import Request
from chat.settings import Settings, SettingsError

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Stands for the peer of a Unix socket, which has no address.
LOCAL = "local"


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse a comma-separated list of addresses and networks.

    Raises:
        ValueError: an entry is neither.
    """
    return tuple(
        ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()
    )


def trusted_networks(settings: Settings) -> tuple[Network, ...]:
    """Return the networks of CHAT_TRUSTED_PROXIES.

    Raises:
        SettingsError: an entry is neither an address nor a network.
    """
    try:
        return parse_networks(settings.trusted_proxies)
    except ValueError as exc:
        raise SettingsError(f"CHAT_TRUSTED_PROXIES: {exc}.") from None


def peer_name(transport: asyncio.BaseTransport) -> object:
    """Return what getpeername(2) says of an accepted socket; None for a Unix one, or one gone.

    Not `get_extra_info("peername")`: that answer the transport keeps, 150 bytes per connection.
    """
    held = cast("TransportSocket", transport.get_extra_info("socket"))
    if held.family == socket.AF_UNIX:
        return None
    sock = socket.socket(held.family, held.type, held.proto, fileno=held.fileno())
    try:
        return sock.getpeername()
    except OSError:
        return None
    finally:
        sock.detach()  # the descriptor is the transport's


def is_trusted(peer: object, trusted: Sequence[Network]) -> bool:
    """Whether the other end of a socket is a trusted proxy."""
    return bool(trusted) and _is_in(_peer_address(peer), trusted)


def client_address(peer: object, request: Request, trusted: Sequence[Network]) -> str:
    """Return the nearest address that is not a trusted proxy's.

    `X-Forwarded-For` is read from the right, as each proxy appends what it has seen; anything a
    client writes into it lies further left and is never reached.
    """
    address = _peer_address(peer)
    if not trusted:
        return address
    values = request.headers.get_all("X-Forwarded-For")
    hops = [hop.strip() for value in values for hop in value.split(",")]
    while hops and _is_in(address, trusted):
        address = _plain(_without_port(hops.pop()))
    return address


def _peer_address(peer: object) -> str:
    return _plain(peer[0]) if isinstance(peer, tuple) else LOCAL


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address == LOCAL  # a Unix socket: its file's permissions are the trust
    return any(parsed in network for network in networks)


def _without_port(hop: str) -> str:
    """Some proxies write `1.2.3.4:567` and `[::1]:567`: a port would make every client new."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=8192)
def _plain(address: str) -> str:
    """One spelling for one address: an IPv4 client of a socket for both families is IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
