"""The address of a server: pure, from the text that people and workers write to what HAProxy reads.

Only what is an address gets through, so that nothing else can get into a configuration file,
whether from a command line or out of Redis.
"""

import ipaddress
import re
from typing import NamedTuple

#: Length of a Unix socket's name, path or abstract, in HAProxy and in the system.
SOCKET_NAME_MAX = 107
PORT_MAX = 65535
#: As CHAT_ADVERTISE has them; none of these characters means anything to HAProxy.
_SOCKET = re.compile(r"(unix|abns):([A-Za-z0-9_./-]+)")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")


class AddressError(ValueError):
    """It is no address; the text says which."""


class Address(NamedTuple):
    """Where a server is.

    Args:
        written: as HAProxy has it: `host:port`, `unix@/path` or `abns@name`.
        name: of the server there, made of the address alone; no two addresses share one.
        is_local: only its own host can reach it.
    """

    written: str
    name: str
    is_local: bool


def parse(text: str) -> Address:
    """Return the address that a text means.

    Raises:
        AddressError: it is none.
    """
    if found := _SOCKET.fullmatch(text):
        family, name = found[1], found[2]
        if len(name) > SOCKET_NAME_MAX or (family == "unix" and not name.startswith("/")):
            raise _no_address(text)
        named = name.removeprefix("/") if family == "unix" else name
        return Address(f"{family}@{name}", f"{family}:{named.replace('/', ':')}", is_local=True)
    found = _HOST_PORT.fullmatch(text)
    if found is None or not 0 < int(found[2]) <= PORT_MAX:
        raise _no_address(text)
    try:
        is_local = _is_loopback(found[1])
    except ValueError:
        raise _no_address(text) from None
    return Address(text, f"{found[1].strip('[]')}:{found[2]}", is_local)


def _is_loopback(host: str) -> bool:
    """Say whether it is this host's own.

    Raises:
        ValueError: what is in brackets is no IPv6 address.
    """
    if host.startswith("["):
        return ipaddress.IPv6Address(host[1:-1]).is_loopback
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:  # a name
        return host.lower() == "localhost"


def _no_address(text: str) -> AddressError:
    return AddressError(f"{text!r} is not host:port, unix:/path or abns:name")
