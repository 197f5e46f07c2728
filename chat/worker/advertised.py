"""The address under which others reach this worker."""

import ipaddress
import re
import socket

from chat.settings import Settings

_HAS_PORT = re.compile(r"(unix|abns):.+|.*[^:]:\d+|\[.*\]:\d+")
#: Of the networks that are for documentation: where a packet to the outside would leave from.
_OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def advertised_address(settings: Settings, listening: socket.socket) -> str:
    """Return `HOST:PORT`, or what CHAT_ADVERTISE says.

    A worker that listens on every address names the one that its packets to the outside carry.
    """
    host, port = listening.getsockname()[:2]
    if settings.advertise:
        given = settings.advertise
        return given if _HAS_PORT.fullmatch(given) else f"{given}:{port}"
    if ipaddress.ip_address(host).is_unspecified:
        host = _own_address(listening.family)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _own_address(family: socket.AddressFamily) -> str:
    """Ask the routing table, then the name of this host. Nothing is sent."""
    families = (family, socket.AF_INET) if family != socket.AF_INET else (family,)
    for each in families:
        with socket.socket(each, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((_OUTSIDE[each], 9))
            except OSError:  # no way to the outside
                continue
            return str(probe.getsockname()[0])
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return socket.gethostname()
