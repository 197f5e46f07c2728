"""The address under which others reach this worker."""

import ipaddress
import re
import socket
from collections.abc import Sequence

from chat.settings import SLOT, Settings

_HAS_PORT = re.compile(r"(unix|abns):.+|.*[^:]:\d+|\[.*\]:\d+")
#: Of the networks that are for documentation: where a packet to the outside would leave from.
_OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def advertised_address(settings: Settings, listening: Sequence[socket.socket], slot: int) -> str:
    """Return `HOST:PORT`, `unix:PATH` or `abns:NAME`: what CHAT_ADVERTISE says, or where it is.

    The last socket counts: after the port that it shares comes the one of its own, if it has one.
    A worker that listens on every address names the one that its packets to the outside carry.
    """
    own = listening[-1]
    given = settings.advertise
    if own.family == socket.AF_UNIX:  # it does not know under which name it was put in place
        return given or settings.worker_sockets.replace(SLOT, str(slot))
    host, port = own.getsockname()[:2]
    if given:
        return given if _HAS_PORT.fullmatch(given) else f"{given}:{port}"
    if ipaddress.ip_address(host).is_unspecified:
        host = _own_address(own.family)
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
